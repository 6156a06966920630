// What strangers make the server hold, while they make it: on all listeners at once, each connection with as much as it may
// send before a login, and with far more than that.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";
import { Flood, FLOOD } from "./flood.ts";
import { served, type Port } from "./one-client.ts";

const OWNER = { user: "alice@example.org", password: "secret" };
const KIB = 1024;
/** On each listener. */
const CONNECTIONS = Math.min(FLOOD / 5, 1_000);
/** In proportion the figure of docs/security.md, with what a process needs for its work besides. */
const GROWTH_BYTES_MAX = (64 + (CONNECTIONS / 1_000) * 160) * KIB * KIB;

/** In front of the name of whoever says hello, or logs in; nothing ends it. */
const BEGINNINGS: Readonly<Record<Port, string>> = {
  smtp: "EHLO ",
  submission: "EHLO ",
  lmtp: "LHLO ",
  imap: `a LOGIN ${"x".repeat(7 * KIB)} {${16 * KIB}+}\r\n`,
  // What a ClientHello may be, and more, is not heard in clear.
  submissions: "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03",
  imaps: "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03",
};

let directory: DataDirectory;
let server: ServerProcess;
const floods: Flood[] = [];

beforeAll(async () => {
  directory = await makeDataDirectory([`${OWNER.user}:${OWNER.password}`]);
  const places = String(CONNECTIONS);
  server = await ServerProcess.start(["--memory", "--users", directory.users, "--log-level", "warn"], {
    PUSHMAIL_LIMITS_SMTP_CONNECTIONS_MAX: places,
    PUSHMAIL_LIMITS_SMTP_CONNECTIONS_PER_ADDRESS_MAX: places,
    PUSHMAIL_LIMITS_IMAP_SESSIONS_BEFORE_LOGIN_MAX: places,
  });
  for (const port of Object.keys(BEGINNINGS) as Port[]) await served(port, server.ready[port] as Address, OWNER);
});
afterEach(() => {
  for (const flood of floods.splice(0)) flood.stop();
});
afterAll(async () => {
  ServerProcess.killAll();
  await directory.remove();
});

describe(`${CONNECTIONS} strangers on each listener`, () => {
  it.each([
    ["as much as they may", 11 * KIB],
    ["far more than they may", 512 * KIB],
  ])(
    "who send %s make it hold no more than is named",
    async (_, fillBytes) => {
      const before = server.residentBytes;
      for (const [port, beginning] of Object.entries(BEGINNINGS)) {
        const address = server.ready[port as Port] as Address;
        const order = { opening: beginning, fillBytes, connections: CONNECTIONS, drip: "", everyMs: 60_000 };
        floods.push(new Flood({ ...address, ...order }));
      }
      await Promise.all(floods.map((flood) => flood.stage("tried")));
      // What has come is read by then.
      await served("imap", server.ready.imap as Address, OWNER);
      expect(server.residentBytes - before).toBeLessThan(GROWTH_BYTES_MAX);
    },
    180_000,
  );
});
