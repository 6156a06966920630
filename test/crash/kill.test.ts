// kill -9 under load, over and over on one data directory: every acknowledged operation is there, byte for byte.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

const KILLS = Number(process.env.TEST_KILLS ?? 20);
const USER = "user@example.org";
const PASSWORD = "secret";
const SENDERS = 4;

/** What the server acknowledged of one mail; `maybe` is what was asked for when it was killed. */
interface Known {
  readonly body: string;
  flagged: boolean;
  /** Asked for and not answered: either outcome is right. */
  flagMaybe: boolean;
  place: "INBOX" | "Kept" | "gone";
  moveMaybe: "Kept" | "gone" | null;
}

let directory: DataDirectory;
let args: string[];

beforeAll(async () => {
  directory = await makeDataDirectory([`${USER}:${PASSWORD}`]);
  args = ["--data", directory.data, "--users", directory.users];
});

afterAll(() => {
  ServerProcess.killAll();
  return directory.remove();
});

describe("a server that is killed", () => {
  const random = seededRandom(testSeed());
  const known = new Map<string, Known>();
  const unanswered = new Set<string>();
  let count = 0;

  /** Sends mails until the connection breaks. */
  async function sendOn(address: Address): Promise<void> {
    const sender = await RawSmtp.connect(address);
    for (;;) {
      const id = `mail-${++count}`;
      const body = `${id} ${"x".repeat(Math.floor(random() ** 3 * 20_000))}`.replace(/(.{70})/g, "$1\r\n");
      unanswered.add(id);
      const reply = await sender.send(USER, `Subject: ${id}\r\n\r\n${body}\r\n`);
      if (!reply.startsWith("250")) throw new Error(reply);
      unanswered.delete(id);
      known.set(id, { body, flagged: false, flagMaybe: false, place: "INBOX", moveMaybe: null });
    }
  }

  /** Flags, moves and expunges mails until the connection breaks. */
  async function changeOn(address: Address): Promise<void> {
    const session = await RawImap.open(address, { user: USER, password: PASSWORD, mailbox: "INBOX" });
    for (;;) {
      const ids = [...known].filter(([, mail]) => mail.place === "INBOX" && !mail.flagMaybe && mail.moveMaybe === null);
      const choice = ids[Math.floor(random() * ids.length)];
      if (choice === undefined) {
        await session.ok("NOOP");
        continue;
      }
      const [id, mail] = choice;
      const found = (await session.ok(`UID SEARCH SUBJECT "${id}" NOT SUBJECT "${id}0"`)).join(" ");
      const uids = await uidsOf(session, id, found);
      if (uids === undefined) continue;
      const what = random();
      if (what < 0.6) {
        mail.flagMaybe = true;
        await session.ok(`UID STORE ${uids} +FLAGS ($Known)`);
        mail.flagMaybe = false;
        mail.flagged = true;
      } else if (what < 0.8) {
        mail.moveMaybe = "Kept";
        await session.ok(`UID MOVE ${uids} Kept`);
        mail.moveMaybe = null;
        mail.place = "Kept";
      } else {
        mail.moveMaybe = "gone";
        await session.ok(`UID STORE ${uids} +FLAGS (\\Deleted)`);
        await session.ok(`UID EXPUNGE ${uids}`);
        mail.moveMaybe = null;
        mail.place = "gone";
      }
    }
  }

  /** SUBJECT is a substring search: of those found, the one whose subject is `id`. */
  async function uidsOf(session: RawImap, id: string, found: string): Promise<string | undefined> {
    const uids = /SEARCH ([\d ]+)/.exec(found)?.[1]?.trim().split(" ");
    if (uids === undefined) return undefined;
    const lines = await session.ok(`UID FETCH ${uids.join(",")} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])`);
    const line = lines.find((response) => response.includes(`Subject: ${id}\r\n`));
    return line === undefined ? undefined : /UID (\d+)/.exec(line)?.[1];
  }

  async function mailsIn(
    session: RawImap,
    mailbox: string,
  ): Promise<Map<string, { uid: number; flags: string; body: string }>> {
    await session.ok(`SELECT ${mailbox}`);
    const mails = new Map<string, { uid: number; flags: string; body: string }>();
    for (const line of await session.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])")) {
      const [, id] = /\r\nSubject: (\S+)\r\n/.exec(line) ?? [];
      if (id === undefined) continue;
      expect(mails.has(id)).toBe(false);
      const bodyAt = line.indexOf("\r\n\r\n") + 4;
      mails.set(id, {
        uid: Number(/UID (\d+)/.exec(line)?.[1]),
        flags: /FLAGS \(([^)]*)\)/.exec(line)?.[1] ?? "",
        body: line.slice(bodyAt, line.lastIndexOf("\r\n")),
      });
    }
    return mails;
  }

  /** UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ of both mailboxes; `marks` never go back. */
  async function marks(session: RawImap): Promise<number[]> {
    const values: number[] = [];
    for (const mailbox of ["INBOX", "Kept"]) {
      const told = await session.ok(`STATUS ${mailbox} (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)`);
      const line = told.find((response) => response.startsWith("* STATUS"));
      values.push(
        ...[...(line ?? "").matchAll(/(?:UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d+)/g)].map(([, n]) => Number(n)),
      );
    }
    return values;
  }

  async function verify(session: RawImap): Promise<void> {
    const inbox = await mailsIn(session, "INBOX");
    const kept = await mailsIn(session, "Kept");
    for (const [id, mail] of known) {
      const places = [inbox.has(id) ? "INBOX" : null, kept.has(id) ? "Kept" : null].filter((place) => place !== null);
      const place = (places[0] ?? "gone") as Known["place"];
      // All or nothing: never in two places.
      expect([id, places.length <= 1]).toEqual([id, true]);
      expect([id, mail.place === place || mail.moveMaybe === place]).toEqual([id, true]);
      mail.place = place;
      mail.moveMaybe = null;
      const stored = inbox.get(id) ?? kept.get(id);
      if (stored === undefined) continue;
      expect([id, stored.body.trimEnd()]).toEqual([id, mail.body.trimEnd()]);
      const flagged = stored.flags.includes("$Known");
      if (!mail.flagMaybe) expect([id, flagged]).toEqual([id, mail.flagged]);
      mail.flagged = flagged;
      mail.flagMaybe = false;
    }
    // What is there beyond what was acknowledged was at least sent, and is kept from now on.
    for (const [id, { body, flags }] of inbox) {
      if (known.has(id)) continue;
      expect(unanswered.has(id)).toBe(true);
      unanswered.delete(id);
      known.set(id, { body, flagged: flags.includes("$Known"), flagMaybe: false, place: "INBOX", moveMaybe: null });
    }
  }

  it(`${KILLS} times has all that it acknowledged, and its numbers never go back`, async () => {
    let before: number[] = [];
    for (let kill = 0; kill <= KILLS; kill++) {
      const server = await ServerProcess.start(args);
      const { imap, smtp } = server.ready as { imap: Address; smtp: Address };
      const session = await RawImap.open(imap, { user: USER, password: PASSWORD });
      if (kill === 0) await session.ok("CREATE Kept");
      await verify(session);
      const now = await marks(session);
      for (const [i, value] of before.entries()) expect(now[i]).toBeGreaterThanOrEqual(value);
      before = now;
      if (kill === KILLS) {
        expect(await server.end()).toBe(0);
        break;
      }
      // Killed after a random number of acknowledgements, wherever the others are then.
      const target = known.size + 5 + Math.floor(random() * 60);
      const work = [...Array.from({ length: SENDERS }, () => sendOn(smtp)), changeOn(imap)];
      const ended = Promise.allSettled(work);
      while (known.size < target) await session.ok("NOOP");
      before = await marks(session);
      await server.end("SIGKILL");
      for (const outcome of await ended)
        expect(String((outcome as PromiseRejectedResult).reason)).toMatch(/connection ended|EPIPE|ECONNRESET/);
    }
    expect(known.size).toBeGreaterThan(KILLS * 5);
  }, 240_000);
});
