import { mkdtemp, readdir, rm } from "node:fs/promises";
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
    const found: string[] = [];
    await checkStore({ directory, onFinding: (finding) => found.push(findingLine(finding)) });
    expect(found).toEqual([]);
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
    const found: string[] = [];
    await checkStore({ directory, onFinding: (finding) => found.push(findingLine(finding)) });
    expect(found).toEqual([
      expect.stringContaining("the metadata /private/comment is of mailbox 99, which is not there"),
    ]);
  });
});
