// A pushmail server of its own process that may be told to end itself by SIGKILL at a named step of the store, with
// bounds so small that every kind of step comes soon. argv: the data directory, the users as JSON, "STEP:COUNT" or "-".
import { once } from "node:events";
import { startPushmail } from "pushmail";

const [data = "", users = "{}", killAt = "-"] = process.argv.slice(2);
const [killStep, killCount = "1"] = killAt.split(/:(?=\d+$)/);
let stepsLeft = Number(killCount);

const server = await startPushmail({
  memory: false,
  data,
  users: JSON.parse(users) as Record<string, string>,
  hostname: "example.org",
  onStep: (name) => {
    if (name === killStep && --stepsLeft === 0) process.kill(process.pid, "SIGKILL");
  },
  limits: {
    process: { compactEveryMs: 50 },
    scrypt: { N: 16, r: 1, p: 1 },
    store: { recentRecordsMax: 10, logRecordsKept: 40, tailRecordsMax: 20, closeTailRecordsMin: 1 },
    level: {
      segmentBytesMax: 96 * 1024,
      inlineBodyBytesMax: 8 * 1024,
      zeroFillBytesMin: 4 * 1024,
      zeroFillBytesMax: 16 * 1024,
      checkpointBytes: 64 * 1024,
      compactBytesMax: 8 * 1024,
      cachedAccountsMax: 1,
      writeBufferBytes: 64 * 1024,
    },
  },
});
const { smtp, lmtp, imap } = server;
process.stdout.write(`ready ${JSON.stringify({ smtp, lmtp, imap })}\n`);
await once(process, "SIGTERM");
await server.close();
