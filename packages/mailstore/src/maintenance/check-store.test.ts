import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { encodeEntry } from "../account-metadata.ts";
import { mailboxId, METADATA_FIRST } from "../ids.ts";
import { openLevelDriver } from "../level/index.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailStore } from "../store.ts";
import { checkStore } from "./check-store.ts";
import { findingLine } from "./finding.ts";
import { repairStore } from "./repair-store.ts";

const BODY_BYTES = 9_000;
const MAILS_PER_SEGMENT = 10;

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

async function findings(): Promise<string[]> {
  const found: string[] = [];
  await checkStore({ directory, onFinding: (finding) => found.push(findingLine(finding)) });
  return found;
}

describe("a check", () => {
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

describe("a repair", () => {
  it("writes the notes anew by which a shared mailbox is found, where the log has lost them", async () => {
    const [index, before] = [join(directory, "index"), join(directory, "before")];
    const rights = { identifier: "bob@example.org", mode: "replace", rights: "lr" } as const;
    let store = await openStore();
    const bob = await store.createAccount({ address: "bob@example.org", password: "secret" });
    const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
    await store.close();
    await cp(index, before, { recursive: true });
    store = await openStore();
    await store.setRights({ account, mailbox: (await store.mailbox(account, "INBOX"))!.id }, rights);
    await store.close();
    // As after a crash: the index knows nothing of it, and in the log the batch with the note is damaged.
    for (const gone of [index, join(directory, "kept")]) await rm(gone, { recursive: true, force: true });
    await cp(before, index, { recursive: true });
    const [file] = (await readdir(join(directory, "segments"))).filter((name) => name.endsWith(".seg"));
    const segment = join(directory, "segments", file as string);
    const bytes = await readFile(segment);
    const note = bytes.indexOf("shared/bob@example.org/");
    expect(note).toBeGreaterThan(0);
    await writeFile(segment, bytes.fill(0, note, note + 5));

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
