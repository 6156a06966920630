// The grammar in each state of a session, as it is printed and with something wrong with it: what is valid is never
// faulty, whatever comes is answered or ends the session, and nothing is kept of it. FUZZ_SESSIONS makes a longer run
// (`npm run fuzz`), TEST_SEED another one.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { Draw } from "../support/draw.ts";
import { LineClient } from "../support/line-client.ts";
import { memoryImapOfTest, type MemoryImap } from "../support/memory-imap.ts";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { AUTHENTICATED, BEFORE_LOGIN, LOGGING_IN_AGAIN, SELECTED } from "./draw-valid.ts";
import { LITERAL_BYTES_MAX, mutate } from "./mutate.ts";

/** In each state. */
const SESSIONS = Number(process.env["FUZZ_SESSIONS"] ?? 60);
const COMMANDS_MAX = 12;
const MESSAGES_MAX = 60;
const KEPT_BYTES_MAX = 64 * 1024 * 1024;
const DEADLINE_MS = 3_600_000;

const LOGIN = "LOGIN alice@example.org secret";
const STATES = {
  "not authenticated": { enter: ["NOOP"], commands: BEFORE_LOGIN },
  authenticated: { enter: [LOGIN], commands: AUTHENTICATED },
  selected: { enter: [LOGIN, "SELECT INBOX"], commands: SELECTED },
  "selected, perhaps by another": { enter: [LOGIN, "SELECT INBOX"], commands: [...SELECTED, ...LOGGING_IN_AGAIN] },
  "in IDLE": { enter: [LOGIN, "SELECT INBOX", "IDLE"], commands: SELECTED },
  "with NOTIFY": {
    enter: [LOGIN, "SELECT INBOX", "NOTIFY SET (personal (MessageNew MessageExpunge))"],
    commands: SELECTED,
  },
  "with COMPRESS": { enter: [LOGIN, "SELECT INBOX", "COMPRESS DEFLATE"], commands: SELECTED },
} as const;

/** Whatever literal, IDLE or exchange is open at the end gets what it waits for. */
const END = `${"x".repeat(LITERAL_BYTES_MAX)}\r\n*\r\nDONE\r\nfin9 NOOP\r\n`;

const startImap = memoryImapOfTest();

async function start(): Promise<MemoryImap> {
  const imap = await startImap({ limits: { faultsMax: 1_000 } });
  // Copies of copies are many.
  await imap.store.updateAccount(imap.account.id, { quotaMessagesMax: MESSAGES_MAX });
  await imap.append("Subject: first\r\n\r\ntext\r\n", { count: 3 });
  return imap;
}

async function enter(imap: MemoryImap, commands: readonly string[]): Promise<LineClient> {
  const client = await LineClient.connect(imap.server.address);
  await client.line();
  for (const command of commands) {
    await client.send(`e ${command}\r\n`, "whole");
    await answersUntil(client, /^(e OK|\+)/);
    if (command.startsWith("COMPRESS")) client.startCompression();
  }
  return client;
}

/** The answers up to one that fits, or to the end of the session. */
async function answersUntil(client: LineClient, fits: RegExp): Promise<string[]> {
  const answers: string[] = [];
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    answers.push(line);
    if (fits.test(line) || line.startsWith("* BYE")) break;
  }
  return answers;
}

/** What is still held when all that is not is collected. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + arrayBuffers + external;
}

describe.each(Object.entries(STATES))("%s", (state, { enter: entry, commands }) => {
  const draw = new Draw(seededRandom(testSeed() ^ state.length));

  /** Sends commands in a session of their own; the answers. */
  async function converse(imap: MemoryImap, said: readonly string[]): Promise<string[]> {
    const client = await enter(imap, entry);
    const text = said.join("") + END;
    try {
      await client.send(Buffer.from(text, "latin1"), "whole");
      const answers = await answersUntil(client, /^fin9 /);
      expect(answers.at(-1)).toMatch(/^(fin9 OK|\* BYE)/);
      expect(imap.errors).toEqual([]);
      return answers;
    } catch (error) {
      throw new Error(`seed ${testSeed()}: ${(error as Error).message} by ${JSON.stringify(text)}`, { cause: error });
    } finally {
      client.destroy();
      imap.sockets.length = 0;
    }
  }

  it(
    "nothing that is valid is faulty",
    async () => {
      const imap = await start();
      for (let session = 0; session < SESSIONS; session++) {
        const said = draw.several(1, COMMANDS_MAX, () => draw.of(commands)(draw));
        const done = state === "in IDLE" ? "DONE\r\n" : "";
        const answers = await converse(imap, [done, ...said.map((command, i) => `t${i} ${command}\r\n`)]);
        for (const [i, command] of said.entries()) {
          const answer = answers.find((line) => line.startsWith(`t${i} `)) ?? "none";
          // One that follows a SELECT of nothing, UNAUTHENTICATE, ENABLE UIDONLY or ENABLE UTF8=ACCEPT.
          if (!/^t\d+ (OK|NO|BAD \[UIDREQUIRED\]|BAD Texts are in UTF-8$|BAD .* is not possible)/.test(answer)) {
            throw new Error(`${JSON.stringify(command)}: ${answer}`);
          }
        }
      }
    },
    DEADLINE_MS,
  );

  it(
    "whatever comes is answered or ends the session, and nothing is kept of it",
    async () => {
      const imap = await start();
      let heldBefore = 0;
      for (let session = 0; session < SESSIONS; session++) {
        const lines = draw.several(1, COMMANDS_MAX, () => `t ${draw.of(commands)(draw)}\r\n`);
        await converse(
          imap,
          lines.map((line) => (draw.chance(0.8) ? mutate(line, draw) : line)),
        );
        if (session === Math.floor(SESSIONS / 2)) heldBefore = heldBytes();
      }
      expect(heldBytes() - heldBefore).toBeLessThan(KEPT_BYTES_MAX);
    },
    DEADLINE_MS,
  );
});
