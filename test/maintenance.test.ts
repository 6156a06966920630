// check, repair, backup and restore as an operator calls them, the built command on a built server: a backup under load
// that restores to what was acknowledged, and damage that is found, listed and lived with.
import { execFile } from "node:child_process";
import { mkdir, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "./support/data-directory.ts";
import { within } from "./support/deadline.ts";
import { RawImap } from "./support/raw-imap.ts";
import { RawSmtp } from "./support/raw-smtp.ts";
import { PUSHMAIL_MAIN, ServerProcess, type Address } from "./support/server-process.ts";

const USERS = ["ann@example.org", "ben@example.org"];
const PASSWORD = "secret";

let directory: DataDirectory;
beforeAll(async () => {
  directory = await makeDataDirectory(USERS.map((user) => `${user}:${PASSWORD}`));
});
afterAll(() => {
  ServerProcess.killAll();
  return directory.remove();
});

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a maintenance command to its end. */
function pushmail(...args: string[]): Promise<Said> {
  const ended = new Promise<Said>((resolve) => {
    execFile(process.execPath, [PUSHMAIL_MAIN, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
  return within(ended, `the end of pushmail ${args[0]}`, 60_000);
}

function start(data: string): Promise<ServerProcess> {
  return ServerProcess.start([`--data=${data}`, `--users=${directory.users}`]);
}

/** The mail of an id; of lengths that lie in the log and in files of their own. */
function textOf(id: string): string {
  const lines = 3 + (Number(id.replace(/\D/g, "")) % 7) * 40;
  return `Subject: ${id}\r\nMessage-ID: <${id}@example.net>\r\n\r\n${`${id} ${"x".repeat(60)}\r\n`.repeat(lines)}`;
}

/** Senders that do not rest until they are stopped. */
class Load {
  /** By user: what was acknowledged. */
  readonly acknowledged = new Map<string, Set<string>>(USERS.map((user) => [user, new Set()]));
  #count = 0;
  #isStopped = false;
  readonly #ended: Promise<unknown>;
  #more: () => void = () => undefined;

  constructor(smtp: Address, senders: number) {
    this.#ended = Promise.all(Array.from({ length: senders }, () => this.#send(smtp)));
    this.#ended.catch(() => undefined);
  }

  /** Resolves when so many more were acknowledged. */
  async further(mails: number): Promise<void> {
    const until = this.#count + mails;
    while (this.#count < until) {
      await within(Promise.race([new Promise<void>((resolve) => (this.#more = resolve)), this.#ended]), "a reply");
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }

  async #send(smtp: Address): Promise<void> {
    const sender = await RawSmtp.connect(smtp);
    while (!this.#isStopped) {
      const user = USERS[this.#count % 2] as string;
      const id = `mail-${this.#count++}`;
      expect(await sender.send(user, textOf(id))).toMatch(/^250/);
      this.acknowledged.get(user)?.add(id);
      this.#more();
    }
    sender.close();
  }
}

/** The ids of a user's mails; each must be what was sent. */
async function read(imap: Address, user: string): Promise<string[]> {
  const session = await RawImap.open(imap, { user, password: PASSWORD, mailbox: "INBOX" });
  const lines = await session.ok("UID FETCH 1:* (BODY.PEEK[])");
  session.close();
  return lines.flatMap((line) => {
    const id = /\r\nSubject: (\S+)\r\n/.exec(line)?.[1];
    if (id !== undefined) expect(line).toContain(textOf(id));
    return id ?? [];
  });
}

/** Flips a bit in the middle of a mail, where it lies in a segment; returns the segment's file. */
async function damage(data: string, id: string): Promise<string> {
  for (const name of await readdir(join(data, "segments"), { recursive: true })) {
    const path = join(data, "segments", name);
    const at = /\d\.(seg|body)$/.test(name) ? (await readFile(path)).indexOf(`\r\n\r\n${id} x`) : -1;
    if (at < 0) continue;
    const file = await open(path, "r+");
    await file.write(Buffer.from("X"), 0, 1, at + 20);
    await file.close();
    return path;
  }
  throw new Error(`${id} lies in no segment`);
}

/** What a client keeps of an inbox with one more mail in it. */
async function known(server: ServerProcess, user: string, subject: string) {
  const sender = await RawSmtp.connect(server.ready.smtp as Address);
  expect(await sender.send(user, textOf(subject))).toMatch(/^250/);
  sender.close();
  const session = await RawImap.open(server.ready.imap as Address, { user, password: PASSWORD });
  await session.ok("ENABLE QRESYNC");
  const selected = (await session.ok("SELECT INBOX")).join("\n");
  const [last = ""] = await session.ok("FETCH * (UID EMAILID)");
  session.close();
  const [, uidValidity, modSeq] = /UIDVALIDITY (\d+)[^]*HIGHESTMODSEQ (\d+)/.exec(selected) ?? [];
  const [, mailboxId] = /MAILBOXID \(([\w-]+)\)/.exec(selected) ?? [];
  const [, uid] = /UID (\d+)/.exec(last) ?? [];
  const [, emailId] = /EMAILID \(([\w-]+)\)/.exec(last) ?? [];
  return { uidValidity, modSeq, mailboxId, uid, emailId };
}

describe("looking after a data directory", () => {
  it("backs up a server under load; the restored copy is clean and has all that was acknowledged before", async () => {
    const [backup, restored] = [join(directory.path, "backup"), join(directory.path, "restored")];
    const server = await start(directory.data);
    await writeFile(join(directory.data, "segments", "older.seg"), "somebody's own");
    const load = new Load(server.ready.smtp as Address, 3);
    for (const round of ["first", "second"]) {
      await load.further(40);
      const before = USERS.map((user) => [...(load.acknowledged.get(user) ?? [])]);
      const [copied] = await Promise.all([pushmail("backup", backup, "--data", directory.data), load.further(20)]);
      expect([round, copied]).toMatchObject([round, { code: 0, stderr: "" }]);
      expect(copied.stdout).toMatch(/^\S+backup: \d+ segments, \d+ bytes copied\n$/);
      await rm(restored, { recursive: true, force: true });
      const back = await pushmail("restore", backup, "--data", restored);
      expect([round, back]).toEqual([
        round,
        { code: 0, stdout: expect.stringMatching(/^clean: 2 accounts/), stderr: "" },
      ]);
      const other = await start(restored);
      for (const [i, user] of USERS.entries()) {
        const found = await read(other.ready.imap as Address, user);
        expect(found).toEqual(expect.arrayContaining(before[i] as string[]));
        expect(new Set(found).size).toBe(found.length);
      }
      // It goes on as a server of its own.
      const sender = await RawSmtp.connect(other.ready.smtp as Address);
      expect(await sender.send(USERS[0] as string, textOf("mail-999999"))).toMatch(/^250/);
      sender.close();
      expect(await other.end()).toBe(0);
      expect((await pushmail("check", "--data", restored)).code).toBe(0);
    }
    // What needs the directory for itself says who has it.
    for (const command of ["check", "repair"]) {
      const refused = await pushmail(command, "--data", directory.data);
      expect([command, refused.code]).toEqual([command, 2]);
      expect(refused.stderr).toContain(`is in use by process ${server.ready.pid}`);
    }
    await load.stop();
    expect(await server.end("SIGKILL")).toBeNull();
    expect(await pushmail("check", "--data", directory.data)).toMatchObject({ code: 0, stderr: "" });
  }, 180_000);

  it("tells of a backup that is damaged, or was cut short, when it restores it", async () => {
    const backup = join(directory.path, "backup");
    const path = await damage(backup, "mail-8");
    const segment = basename(path);
    const back = await pushmail("restore", backup, "--data", join(directory.path, "damaged"));
    expect(back).toMatchObject({ code: 1, stderr: "" });
    expect(back.stdout).toMatch(
      new RegExp(`a body fails its checksum: \\S+${segment} at offset \\d+ .*subject mail-8,`),
    );
    await truncate(path, 10_000);
    const cut = await pushmail("restore", backup, "--data", join(directory.path, "cut"));
    expect(cut).toMatchObject({ code: 1, stdout: expect.stringContaining(segment) });
    await rm(join(backup, "backup.json"));
    const unfinished = await pushmail("restore", backup, "--data", join(directory.path, "unfinished"));
    expect(unfinished).toMatchObject({ code: 2, stdout: "" });
    expect(unfinished.stderr).toMatch(/backup holds no backup that was finished/);
  }, 60_000);

  it("lets clients know that a restored store may have given out what they know for something else", async () => {
    const [data, backup, restored] = ["origin", "copy", "copied"].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    const [, ben] = USERS as [string, string];
    const server = await start(data);
    const first = await known(server, ben, "mail-1");
    expect((await pushmail("backup", backup, "--data", data)).code).toBe(0);
    const lost = await known(server, ben, "mail-2");
    expect(lost).toMatchObject({ uidValidity: first.uidValidity, mailboxId: first.mailboxId, uid: "2" });
    expect(await server.end()).toBe(0);

    expect(await pushmail("restore", backup, "--data", restored)).toMatchObject({ code: 0, stderr: "" });
    const back = await start(restored);
    const { uidValidity, mailboxId, uid, emailId } = await known(back, ben, "mail-3");
    expect(uid).toBe("2");
    expect(Number(uidValidity)).toBeGreaterThan(Number(lost.uidValidity));
    expect([lost.mailboxId, lost.emailId]).toEqual(["F1", "E1-2"]);
    expect(mailboxId).toMatch(/^F1_[\w-]{8}$/);
    expect(emailId).toMatch(/^E1-2_[\w-]{8}$/);
    const session = await RawImap.open(back.ready.imap as Address, { user: ben, password: PASSWORD });
    await session.ok("ENABLE QRESYNC");
    // As if it had asked for nothing (RFC 7162 3.2.5).
    const selected = await session.ok(`SELECT INBOX (QRESYNC (${lost.uidValidity} ${lost.modSeq}))`);
    expect(selected).toEqual(expect.arrayContaining([expect.stringContaining(`[UIDVALIDITY ${uidValidity}]`)]));
    expect(selected.join("\n")).not.toMatch(/VANISHED|FETCH/);
    expect((await session.ok(`SEARCH EMAILID ${emailId}`)).join()).toBe("* SEARCH 2");
    expect((await session.ok(`SEARCH EMAILID ${lost.emailId}`)).join()).toBe("* SEARCH");
    session.close();
    expect(await back.end()).toBe(0);

    const moved = join(directory.path, "moved");
    expect(await pushmail("restore", backup, "--moved", "--data", moved)).toMatchObject({ code: 0, stderr: "" });
    const same = await start(moved);
    expect(await known(same, ben, "mail-2")).toEqual(lost);
    expect(await same.end()).toBe(0);
  }, 120_000);

  it("finds a damaged mail, lists it as lost, and goes on with all the others", async () => {
    const data = join(directory.path, "restored");
    const segment = basename(await damage(data, "mail-6"));
    const where = new RegExp(`a body fails its checksum: \\S+${segment} at offset \\d+ .*uid \\d+, subject mail-6,`);
    const found = await pushmail("check", "--data", data);
    expect(found).toMatchObject({ code: 1, stderr: "" });
    expect(found.stdout).toMatch(where);
    // What a search index there would be of may be other mail than it was.
    await mkdir(join(data, "search"));
    const dry = await pushmail("repair", "--dry-run", "--data", data);
    expect(dry.stdout).toMatch(where);
    expect(await readdir(data)).toContain("search");
    expect((await pushmail("check", "--data", data)).code).toBe(1);
    const repaired = await pushmail("repair", "--data", data);
    expect(repaired).toMatchObject({ code: 1, stderr: "" });
    expect(repaired.stdout).toMatch(where);
    expect(await readdir(data)).not.toContain("search");
    expect(await readdir(join(data, "damaged"))).toEqual([expect.stringContaining(segment)]);
    const clean = await pushmail("check", "--data", data);
    expect([clean.code, clean.stdout]).toEqual([0, expect.stringContaining("1 of them known to be lost")]);

    const server = await start(data);
    const [ann] = USERS as [string];
    const session = await RawImap.open(server.ready.imap as Address, {
      user: ann,
      password: PASSWORD,
      mailbox: "INBOX",
    });
    const listed = await session.ok("FETCH 1:* (ENVELOPE)");
    const at = 1 + listed.findIndex((line) => line.includes('"mail-6"'));
    expect(at).toBeGreaterThan(0);
    const [, uid] = /UID (\d+)/.exec((await session.ok(`FETCH ${at} UID`)).join()) ?? [];
    const passedOver = `* NO [SERVERBUG] Damaged, and passed over: UID ${uid}`;
    const others = listed.flatMap((_, i) => (i + 1 === at ? [] : [i + 1]));
    expect(await session.ok("SEARCH BODY xxx")).toEqual([passedOver, `* SEARCH ${others.join(" ")}`]);
    const { untagged, status } = await session.command("FETCH 1:* (BODY.PEEK[])");
    expect(status).toMatch(/^NO \[SERVERBUG\] Some of the messages are damaged/);
    expect(untagged.map((line) => /^\* \d+/.exec(line)?.[0] ?? line)).toEqual([
      ...others.map((number) => `* ${number}`),
      passedOver,
    ]);
    session.close();
    expect(await server.end()).toBe(0);
  }, 120_000);
});
