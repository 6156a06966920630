// A server whose disk fills up, turns read-only or fails: senders and clients are told so, what can be served is
// served, nothing half-done shows, and when the trouble is over all goes on without a restart.
import { afterEach, describe, expect, it } from "@jest/globals";
import { type Pushmail, startPushmail } from "pushmail";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import type { Address } from "../support/server-process.ts";

const USER = "ann@example.org";
const PASSWORD = "secret";
const LIMITS = {
  process: { compactEveryMs: 0 },
  store: { tailRecordsMax: 4, logRecordsKept: 3 },
  level: {
    segmentBytesMax: 64 * 1024,
    inlineBodyBytesMax: 8 * 1024,
    zeroFillBytesMin: 4 * 1024,
    zeroFillBytesMax: 8 * 1024,
    checkpointBytes: 32 * 1024,
    cachedAccountsMax: 1,
  },
};

/** What a sender is told, and what an IMAP client. */
const BROKEN = "The server's storage does not work, try again later";
const REPLIES = {
  ENOSPC: ["452 4.3.1 The server's disk is full", "NO [OVERQUOTA] The server's disk is full, try again later"],
  EROFS: [`451 4.3.0 ${BROKEN}`, `NO [SERVERBUG] ${BROKEN}`],
  EIO: [`451 4.3.0 ${BROKEN}`, `NO [SERVERBUG] ${BROKEN}`],
} as const;
type Code = keyof typeof REPLIES;
const CODES: readonly Code[] = ["ENOSPC", "EIO", "EROFS"];

/** What fails, by step and path. */
const TROUBLES: readonly [what: string, step: RegExp, path: RegExp][] = [
  ["everything that writes", /^(file:(create|write|sync|rename|remove)|names:sync|index:(write|flush|open))$/, /./],
  ["writing the log", /^file:write$/, /\.seg$/],
  ["syncing the log", /^file:sync$/, /\.seg$/],
  ["beginning a segment", /^(file:create|file:rename|names:sync)$/, /\.(seg|spare)$|segments$/],
  ["taking in large mails", /^file:(create|write|sync)$/, /\.body$/],
  ["writing the index", /^index:write$/, /./],
  ["writing the index, and opening it again", /^index:(write|open)$/, /./],
  ["taking a checkpoint", /^index:flush$/, /./],
  ["removing files", /^file:(remove|rename)$/, /./],
];

let directory: DataDirectory | undefined;
let server: Pushmail | undefined;
afterEach(async () => {
  await server?.close();
  await directory?.remove();
});

/** Operations that failed. */
let failures = 0;
let isFailing: (step: string, path: string) => boolean = () => false;
let code: Code = "EIO";
const told: { readonly level: string; readonly fields: object; readonly message: string }[] = [];

async function start(): Promise<{ imap: Address; smtp: Address }> {
  directory ??= await makeDataDirectory([]);
  const say = (level: string) => (fields: object, message: string) => void told.push({ level, fields, message });
  server = await startPushmail({
    memory: false,
    data: directory.data,
    users: { [USER]: PASSWORD },
    limits: { ...LIMITS, scrypt: { N: 16, r: 1, p: 1 } },
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    onStep: (step, path = "") => {
      if (!isFailing(step, path)) return;
      failures++;
      throw Object.assign(new Error(`${code}: as the test says`), { code });
    },
  });
  return server as { imap: Address; smtp: Address };
}

/** The mails of a mailbox by their subject, with their sizes. */
async function subjects(session: RawImap): Promise<string[]> {
  const lines = await session.ok("UID FETCH 1:* (BODY.PEEK[])");
  return lines.flatMap((line) => /Subject: (\S+)\r\n/.exec(line)?.[1] ?? []);
}

function textOf(subject: string, size: number): string {
  return `Subject: ${subject}\r\n\r\n${"x".repeat(70)}\r\n`.concat(`${"y".repeat(70)}\r\n`.repeat(size / 72));
}

class Clients {
  readonly kept: string[] = [];
  readonly refused: string[] = [];
  #sender!: RawSmtp;
  session!: RawImap;
  idler!: RawImap;
  #count = 0;

  async connect({ imap, smtp }: { imap: Address; smtp: Address }): Promise<void> {
    this.#sender = await RawSmtp.connect(smtp);
    const login = { user: USER, password: PASSWORD, mailbox: "INBOX" };
    this.session = await RawImap.open(imap, login);
    this.idler = await RawImap.open(imap, login);
    await this.idler.idle();
  }

  async send(size: number): Promise<void> {
    await this.#sendAs(`mail-${++this.#count}`, size);
  }

  async retry(): Promise<void> {
    for (const subject of this.refused.splice(0)) await this.#sendAs(subject, 100);
  }

  async #sendAs(subject: string, size: number): Promise<void> {
    const reply = await this.#sender.send(USER, textOf(subject, size));
    if (reply.startsWith("250")) this.kept.push(subject);
    else {
      expect(reply).toContain(REPLIES[code][0]);
      this.refused.push(subject);
    }
  }

  /** An append that is taken, or refused as it must be. */
  async append(size: number): Promise<void> {
    const subject = `append-${++this.#count}`;
    const text = textOf(subject, size);
    const { status } = await this.session.command(`APPEND INBOX {${text.length}+}\r\n${text}`);
    if (status.startsWith("OK")) this.kept.push(subject);
    else expect(status).toBe(REPLIES[code][1]);
  }

  /** Expunges all but the first mail. */
  async expunge(): Promise<void> {
    await this.session.ok("NOOP");
    await this.session.ok("STORE 2:* +FLAGS.SILENT (\\Deleted)");
    await this.session.ok("EXPUNGE");
    this.kept.length = 1;
  }

  async flag(): Promise<void> {
    const { status } = await this.session.command("UID STORE 1 +FLAGS ($Known)");
    if (!status.startsWith("OK")) expect(status).toBe(REPLIES[code][1]);
  }
}

async function checkServed(clients: Clients): Promise<void> {
  const { imap } = server as { imap: Address };
  const other = await RawImap.open(imap, { user: USER, password: PASSWORD, mailbox: "INBOX" });
  await clients.session.ok("NOOP");
  for (const session of [clients.session, other]) expect(await subjects(session)).toEqual(clients.kept);
  expect((await other.ok("SEARCH SUBJECT mail")).join(" ")).toContain("SEARCH 1");
  await other.ok("STATUS Archive (MESSAGES UNSEEN)");
  await other.ok('LIST "" *');
  other.close();
}

describe("a server whose disk is in trouble", () => {
  for (const [what, step, path] of TROUBLES) {
    for (const failing of what.startsWith("everything") ? CODES : CODES.slice(0, 2)) {
      it(`goes on as far as it can while ${what} fails with ${failing}, and wholly afterwards`, async () => {
        code = failing;
        told.length = 0;
        failures = 0;
        isFailing = () => false;
        const clients = new Clients();
        await clients.connect(await start());
        for (let round = 0; round < 2; round++) {
          for (const size of [100, 3_000, 20_000, 100]) await clients.send(size);
          if (round > 0) await clients.expunge();
          for (const size of [20_000, 100]) await clients.send(size);
          isFailing = (name, at) => step.test(name) && path.test(at);
          for (const size of [100, 20_000, 5_000, 100, 20_000, 100]) await clients.send(size);
          await clients.append(100);
          await clients.append(20_000);
          await clients.flag();
          await server?.store.compact().catch((error: unknown) => expect(error).toMatchObject({ cause: { code } }));
          await checkServed(clients);
          isFailing = () => false;
          await clients.retry();
          expect(clients.refused).toEqual([]);
          await checkServed(clients);
          await clients.session.ok("UID STORE 1 +FLAGS ($Known)");
        }
        expect(failures).toBeGreaterThan(0);
        // Who was in IDLE all the time was told of everything.
        const last = (line: string): boolean => line === `* ${clients.kept.length} EXISTS`;
        await clients.idler.until(last, "the last mail");
        const refusals = told.filter(({ message }) => message === "the storage refuses");
        expect(refusals.length).toBeLessThanOrEqual(2 * 3);
        for (const { fields } of refusals) expect(fields).toMatchObject({ code, path: expect.stringContaining("/") });
        await server?.close();
        await clients.connect(await start());
        await checkServed(clients);
      });
    }
  }

  it("refuses what it cannot read, serves what it knows and takes mail, and reads again afterwards", async () => {
    code = "EIO";
    told.length = 0;
    isFailing = () => false;
    const clients = new Clients();
    await clients.connect(await start());
    for (const size of [100, 20_000, 3_000]) await clients.send(size);
    const { session } = clients;
    await session.ok("NOOP");
    isFailing = (step, path) => step === "file:read" && /\.(seg|body)$/.test(path);
    for (const number of [1, 2, 3]) {
      const { status } = await session.command(`FETCH ${number} (BODY.PEEK[TEXT])`);
      expect([number, status]).toEqual([number, REPLIES.EIO[1]]);
    }
    // What was noted when they came.
    expect((await session.ok("FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE)")).length).toBe(3);
    await session.ok("STORE 2 +FLAGS ($Known)");
    await clients.send(100);
    await clients.send(20_000);
    expect(clients.refused).toEqual([]);
    await session.ok("NOOP");
    isFailing = (step) => step === "file:read" || step === "index:read";
    const { status } = await session.command("UID FETCH 1:* (BODY.PEEK[])");
    expect(status).toBe(REPLIES.EIO[1]);
    isFailing = () => false;
    await checkServed(clients);
  });
});
