import fs from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { encodeEntry } from "../account-metadata.ts";
import { mailboxId, METADATA_FIRST, type AccountId } from "../ids.ts";
import { DiskFiles } from "../level/disk-files.ts";
import { openLevelDriver } from "../level/index.ts";
import { RECORD_HEAD_BYTES } from "../level/record.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailStore } from "../store.ts";
import { checkStore } from "./check-store.ts";
import { findingLine, type Finding } from "./finding.ts";
import { repairStore } from "./repair-store.ts";

const BODY_BYTES = 9_000;
const MAILS_PER_SEGMENT = 10;
const FIRST_SEGMENT = "0000000001.seg";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-check-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function* bodyOf(mail: number): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(BODY_BYTES, mail);
}

async function deliver(store: MailStore, at: MailboxAt, mails: number): Promise<void> {
  for (let i = 0; i < mails; i++) {
    const message = await store.stage(bodyOf(i), { bytesMax: BODY_BYTES });
    await store.append([{ ...at, message }]);
  }
}

async function openStore(): Promise<MailStore> {
  return openMailStore(await openLevelDriver({ directory }), {
    scryptCost: { N: 16, r: 1, p: 1 },
    scramIterations: 4_096,
  });
}

interface Filled {
  readonly account: AccountId;
  readonly path: string;
  readonly bytes: Buffer;
  /** Where the body of a mail begins. */
  readonly body: (mail: number) => number;
}

/** A store that is closed, with so many mails in the first segment. */
async function fillSegment(mails: number): Promise<Filled> {
  const store = await openStore();
  const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
  await deliver(store, { account, mailbox: (await store.mailbox(account, "INBOX"))!.id }, mails);
  await store.close();
  const path = join(directory, "segments", FIRST_SEGMENT);
  const bytes = await readFile(path);
  return { account, path, bytes, body: (mail) => bytes.indexOf(Buffer.alloc(BODY_BYTES, mail)) };
}

async function findings(): Promise<string[]> {
  const found: string[] = [];
  await checkStore({ directory, onFinding: (finding) => found.push(findingLine(finding)) });
  return found;
}

/** Nothing that touches this byte's block of the segment can be read. */
function makeUnreadable(name: string, offset: number): void {
  const from = offset - (offset % 4_096);
  for (const how of ["open", "openToWrite"] as const) {
    const { [how]: open } = DiskFiles.prototype;
    jest.spyOn(DiskFiles.prototype, how).mockImplementation(async function (this: DiskFiles, opened) {
      const file = await open.call(this, opened);
      const read = file.read.bind(file);
      file.read = (position, length, room) =>
        opened === name && position < from + 4_096 && position + length > from
          ? Promise.reject(Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" }))
          : read(position, length, room);
      return file;
    });
  }
}

/** The disk cannot read files of the index, as far as they are there by now. */
async function makeIndexUnreadable(which: RegExp): Promise<string[]> {
  const index = join(directory, "index");
  const paths = (await readdir(index)).filter((name) => which.test(name)).map((name) => join(index, name));
  const { open, readFile: read } = fs.promises;
  const fail = (): Promise<never> => Promise.reject(Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" }));
  jest
    .spyOn(fs.promises, "readFile")
    .mockImplementation((path, options) => (paths.includes(path as string) ? fail() : read(path, options)));
  jest.spyOn(fs.promises, "open").mockImplementation(async (path, ...how) => {
    const file = await open(path, ...how);
    return paths.includes(path as string) ? Object.assign(file, { read: fail }) : file;
  });
  return paths;
}

describe("a check", () => {
  afterEach(() => void jest.restoreAllMocks());

  it.each([/^CURRENT$/, /^MANIFEST-/, /\.log$/, /\.ldb$/])(
    "tells of a file of the index that the disk cannot read, and a start makes the index again: %s",
    async (which) => {
      const { account } = await fillSegment(3);
      expect(await makeIndexUnreadable(which)).not.toEqual([]);
      expect(await findings()).toContainEqual(expect.stringMatching(/^the disk cannot read a file of the index: /));
      const store = await openStore();
      jest.restoreAllMocks();
      expect(await store.mailbox(account, "INBOX")).toMatchObject({ messages: 3 });
      await store.close();
      expect(await readdir(join(directory, "damaged"))).toHaveLength(1);
      expect(await findings()).toEqual([]);
    },
  );

  it("goes on behind what the disk cannot read of a segment", async () => {
    const { path, body } = await fillSegment(4);

    makeUnreadable(FIRST_SEGMENT, body(1) + BODY_BYTES / 2);
    const offset = body(1) - RECORD_HEAD_BYTES;
    const found: Finding[] = [];
    const told = { onFinding: (finding: Finding) => found.push(finding) };
    expect(await checkStore({ directory, ...told })).toMatchObject({ findings: 1, messages: 4, bodies: 3, orphans: 0 });
    expect(found).toEqual([
      expect.objectContaining({
        what: "a body fails its checksum: the disk cannot read it",
        file: path,
        offset,
        uid: 2,
      }),
    ]);
    jest.restoreAllMocks();

    makeUnreadable(FIRST_SEGMENT, body(2) - RECORD_HEAD_BYTES);
    expect((await findings())[0]).toMatch(/^a .*: the disk cannot read it: /);
    jest.restoreAllMocks();

    makeUnreadable(FIRST_SEGMENT, 0);
    expect(await findings()).toEqual([
      `the store cannot be opened: EIO: i/o error, read: ${path}`,
      `the segment has no valid header: ${path} at offset 0`,
    ]);
  });

  it("takes nothing for lost that a reclaimed segment said after an older one that is kept", async () => {
    const limits = { segmentBytesMax: (MAILS_PER_SEGMENT + 2) * BODY_BYTES };
    const driver = await openLevelDriver({ directory, limits });
    const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    const inbox = { account, mailbox: (await store.mailbox(account, "INBOX"))!.id };
    const trash = { account, mailbox: (await store.mailbox(account, "Trash"))!.id };
    await store.createMailbox(account, "Passing");
    await deliver(store, inbox, MAILS_PER_SEGMENT);
    const before = await readdir(join(directory, "segments"));
    await deliver(store, trash, MAILS_PER_SEGMENT / 2);
    await store.deleteMailbox(account, "Passing");
    await deliver(store, trash, 2 * MAILS_PER_SEGMENT);
    await store.setFlags(trash, [[1, 2 ** 32 - 1]], { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(trash);
    await deliver(store, inbox, MAILS_PER_SEGMENT);
    expect(await store.compact()).toBeGreaterThan(0);
    await store.close();

    const after = (await readdir(join(directory, "segments"))).filter((name) => name.endsWith(".seg"));
    expect(after).toEqual(expect.arrayContaining(before.filter((name) => name.endsWith(".seg"))));
    expect(await findings()).toEqual([]);
  });

  it("knows metadata, and finds that of a mailbox which is not there", async () => {
    const driver = await openLevelDriver({ directory });
    const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    const inbox = (await store.mailbox(account, "INBOX"))!.id;
    const comment = { name: "/private/comment", value: Buffer.from("text") };
    for (const mailbox of [inbox, null]) await store.setMetadata(account, mailbox, [comment]);
    const stray = encodeEntry({ ...comment, mailbox: mailboxId(99) });
    const part = { mailbox: mailboxId(METADATA_FIRST + 99), record: new Uint8Array(0), properties: stray };
    const counts = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0 };
    await driver.commit([{ account, blobs: [], enforceQuota: false, parts: [{ ...part, ...counts }] }]);
    await store.close();
    expect(await findings()).toEqual([
      expect.stringContaining("the metadata /private/comment is of mailbox 99, which is not there"),
    ]);
  });
});

/** What `lose` puts in the place of the index. */
function keepOlderIndex(): Promise<void> {
  return cp(join(directory, "index"), join(directory, "older"), { recursive: true });
}

/** As after a crash: the index knows nothing of what came since it was kept, and in the log the batch with a text is damaged. */
async function lose(text: string): Promise<void> {
  for (const gone of ["index", "kept"]) await rm(join(directory, gone), { recursive: true, force: true });
  await cp(join(directory, "older"), join(directory, "index"), { recursive: true });
  const [file] = (await readdir(join(directory, "segments"))).filter((name) => name.endsWith(".seg"));
  const segment = join(directory, "segments", file as string);
  const bytes = await readFile(segment);
  const at = bytes.indexOf(text, bytes.indexOf("ann@example.org"));
  expect(at).toBeGreaterThan(0);
  await writeFile(segment, bytes.fill(0, at, at + 5));
}

describe("a repair", () => {
  afterEach(() => void jest.restoreAllMocks());

  it("lists a message as lost whose body the disk cannot read, and ends where that is anything else", async () => {
    const { account, path, bytes, body } = await fillSegment(3);
    makeUnreadable(FIRST_SEGMENT, body(1) - RECORD_HEAD_BYTES);
    const untold = { onMended: () => undefined, onLost: () => undefined };
    await expect(repairStore({ directory, dryRun: false, ...untold })).rejects.toThrow("EIO");
    expect((await readFile(path)).equals(bytes)).toBe(true);
    jest.restoreAllMocks();

    makeUnreadable(FIRST_SEGMENT, body(1) + BODY_BYTES / 2);
    const { createReadStream } = fs;
    const failing = jest.spyOn(fs, "createReadStream").mockImplementation((path, options) => {
      const stream = createReadStream(path, options);
      const error = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
      return stream.once("ready", () => stream.destroy(error));
    });
    const lost: (number | undefined)[] = [];
    const told = { onMended: () => undefined, onLost: ({ uid }: Finding) => lost.push(uid) };
    expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ lost: 1, left: [] });
    expect(failing).toHaveBeenCalledTimes(1);
    expect(lost).toEqual([2]);
    const store = await openStore();
    expect(await store.mailbox(account, "INBOX")).toMatchObject({ messages: 3 });
    await store.close();
  });

  it("gives no header to a file that was on its way to become a segment, with one behind it", async () => {
    const driver = await openLevelDriver({ directory, limits: { segmentBytesMax: 4 * BODY_BYTES } });
    const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    const inbox = { account, mailbox: (await store.mailbox(account, "INBOX"))!.id };
    const failing = jest.spyOn(DiskFiles.prototype, "create").mockRejectedValueOnce(new Error("as the test says"));
    await expect(deliver(store, inbox, 6)).rejects.toThrow("as the test says");
    expect(failing).toHaveBeenCalledTimes(1);
    await deliver(store, inbox, 1);
    await store.close();
    const segments = join(directory, "segments");
    expect(await readdir(segments)).toEqual([FIRST_SEGMENT, "0000000003.seg"]);
    // As a spare one, whose header could not be written, and which could not be removed.
    await cp(join(segments, FIRST_SEGMENT), join(segments, "0000000002.seg"));

    const told = { onMended: () => undefined, onLost: () => undefined };
    expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ mended: 0, lost: 0, left: [] });
  });

  it.each([
    ["a mailbox", "Passing"],
    ["the first ones of an account", "INBOX"],
  ])("finds the name in what came into %s, where the log has lost the creation", async (_, text) => {
    let store = await openStore();
    await store.createAccount({ address: "bob@example.org", password: "secret" });
    if (text !== "INBOX") await store.createAccount({ address: "ann@example.org", password: "secret" });
    await store.close();
    await keepOlderIndex();
    store = await openStore();
    const { id: account } =
      text === "INBOX"
        ? await store.createAccount({ address: "ann@example.org", password: "secret" })
        : (await store.resolve("ann@example.org"))!.account;
    if (text !== "INBOX") await store.createMailbox(account, text);
    const { id: mailbox, uidValidity } = (await store.mailbox(account, text))!;
    await deliver(store, { account, mailbox }, 3);
    await store.close();
    await lose(`"name":"${text}"`);

    const mended: string[] = [];
    const told = { onMended: (what: string) => mended.push(what), onLost: () => undefined };
    expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ lost: 1, left: [] });
    expect(mended).toContain("what 2 mailboxes and accounts are is stated anew, as their newest changes say");
    expect(await findings()).toEqual([]);
    store = await openStore();
    const found = (await store.mailboxes(account)).find(({ id }) => id === mailbox)!;
    expect(found).toMatchObject({ name: text, uidValidity, messages: 3 });
    const next = await store.createMailbox(account, "Next");
    expect(next.id).toBeGreaterThan(mailbox);
    expect(next.uidValidity).toBeGreaterThan(found.uidValidity);
    await store.close();
  });

  it.each(["shared", "deleted"])(
    "gives out the number of a mailbox once, where the log has lost its creation and it is %s",
    async (then) => {
      let store = await openStore();
      await store.createAccount({ address: "bob@example.org", password: "secret" });
      const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
      await store.close();
      await keepOlderIndex();
      store = await openStore();
      const { id: mailbox, uidValidity } = await store.createMailbox(account, "Passing");
      await deliver(store, { account, mailbox }, 3);
      const rights = { identifier: "bob@example.org", mode: "replace", rights: "lr" } as const;
      if (then === "shared") await store.setRights({ account, mailbox }, rights);
      else await store.deleteMailbox(account, "Passing");
      await store.close();
      await lose(`"name":"Passing"`);

      const told = { onMended: () => undefined, onLost: () => undefined };
      expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ lost: 1, left: [] });
      expect(await findings()).toEqual([]);
      store = await openStore();
      const next = await store.createMailbox(account, "Next");
      expect(next).toMatchObject({ messages: 0 });
      expect(next.id).toBeGreaterThan(mailbox);
      const handle = await store.open({ account, mailbox: next.id });
      expect((await handle.ready()).count).toBe(0);
      handle.release();
      if (then === "shared") {
        expect(next.uidValidity).toBeGreaterThan(uidValidity);
        expect(await store.mailbox(account, "Passing")).toMatchObject({ id: mailbox, messages: 3 });
      }
      await store.close();
    },
  );

  it("opens no index that cannot be made again, and lists no mail as lost, where a body is damaged too", async () => {
    let store = await openStore();
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    await deliver(store, { account, mailbox: (await store.mailbox(account, "INBOX"))!.id }, 3);
    await store.close();
    // As a repair has left it, and a full disk.
    await writeFile(join(directory, "segments", "incomplete"), "");
    const index = join(directory, "index");
    const table = join(index, (await readdir(index)).find((name) => name.endsWith(".ldb")) as string);
    const sound = await readFile(table);
    await writeFile(table, Buffer.from(sound).fill(0xa5, 20, 24));
    const segment = join(directory, "segments", FIRST_SEGMENT);
    const bytes = await readFile(segment);
    await writeFile(
      segment,
      bytes.fill(9, bytes.indexOf(Buffer.alloc(100, 1)), bytes.indexOf(Buffer.alloc(100, 1)) + 4),
    );
    const before = await readdir(index);

    const lost: string[] = [];
    const told = { onMended: () => undefined, onLost: (finding: Finding) => lost.push(findingLine(finding)) };
    const { left } = await repairStore({ directory, dryRun: false, ...told });
    expect(left.map(({ file }) => file)).toEqual([table, segment]);
    expect([lost, await readdir(index)]).toEqual([[], before]);
    await writeFile(table, sound);
    expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ lost: 1, left: [] });
    store = await openStore();
    expect(await store.mailbox(account, "INBOX")).toMatchObject({ messages: 3 });
    await store.close();
  });

  it("writes the notes anew by which a shared mailbox is found, where the log has lost them", async () => {
    const rights = { identifier: "bob@example.org", mode: "replace", rights: "lr" } as const;
    let store = await openStore();
    const bob = await store.createAccount({ address: "bob@example.org", password: "secret" });
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    await store.close();
    await keepOlderIndex();
    store = await openStore();
    await store.setRights({ account, mailbox: (await store.mailbox(account, "INBOX"))!.id }, rights);
    await store.close();
    await lose("shared/bob@example.org/");

    const mended: string[] = [];
    const told = { onMended: (what: string) => mended.push(what), onLost: () => undefined };
    expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ lost: 1, left: [] });
    expect(mended).toContain("1 notes of who shares mailboxes with whom are written anew");
    expect(await findings()).toEqual([]);
    store = await openStore();
    expect((await store.sharersWith(bob)).map(({ address }) => address)).toEqual(["ann@example.org"]);
    await store.close();
  });
});
