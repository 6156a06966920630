// Rights on a mailbox of another that are taken away behind a command's first look at them: it is those at the commit that
// count.
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import type { MailboxAt, MailStore } from "@pushmail/mailstore";
import { MemoryImap } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";

let imap: MemoryImap;
let client: RawImap;
/** The other's. */
let shared: MailboxAt;
let inbox: MailboxAt;
let atNextWork: () => Promise<unknown>;

/** A method of the store, before which something happens the next time. */
function behind<Method extends "setFlags" | "expunge" | "move" | "replace">(store: MailStore, method: Method) {
  const own = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>;
  return async (...args: unknown[]): Promise<unknown> => {
    await atNextWork();
    return own(...args);
  };
}

beforeEach(async () => {
  atNextWork = () => Promise.resolve();
  imap = await MemoryImap.start({
    inPlace: (store) =>
      Object.fromEntries(
        (["setFlags", "expunge", "move", "replace"] as const).map((method) => [method, behind(store, method)]),
      ),
  });
  const { store, account } = imap;
  const other = await store.createAccount({ address: "other@example.org", password: "x" });
  shared = { account: other.id, mailbox: (await store.mailbox(other.id, "INBOX"))!.id };
  inbox = { account: account.id, mailbox: (await store.mailbox(account.id, "INBOX"))!.id };
  const message = await store.stage(oneOf("Subject: one\r\n\r\n"), { bytesMax: 100 });
  await store.append([{ ...shared, message, flags: ["\\Deleted"] }]);
  await grant("lrswite");
  client = await imap.open('"Other Users/other@example.org/INBOX"');
});
afterEach(() => imap.close());

async function* oneOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

function grant(rights: string): Promise<unknown> {
  return imap.store.setRights(shared, { identifier: imap.account.address, mode: "replace", rights });
}

async function flagsIn(mailbox: MailboxAt): Promise<(readonly string[])[]> {
  const handle = await imap.store.open(mailbox);
  const index = await handle.ready();
  handle.release();
  return Array.from({ length: index.count }, (_, row) => index.flagsAt(row).names);
}

const REFUSED = "NO [NOPERM] You may not do that with this mailbox";

it.each([
  ["STORE 1 FLAGS ()", REFUSED],
  ["EXPUNGE", REFUSED],
  ["MOVE 1 INBOX", REFUSED],
  ["REPLACE 1 INBOX {18+}\r\nSubject: other\r\n\r\n", REFUSED],
  // It leaves the mailbox all the same (RFC 4314 4).
  ["CLOSE", "OK CLOSE completed"],
])("%j does nothing", async (command, status) => {
  atNextWork = () => grant("lr");
  expect(await client.command(command)).toMatchObject({ status });
  expect([await flagsIn(shared), await flagsIn(inbox)]).toEqual([[["\\Deleted"]], []]);
  expect(imap.errors).toEqual([]);
});

it("STORE leaves out the flags that may no longer be set", async () => {
  atNextWork = () => grant("lrs");
  await client.ok("STORE 1 FLAGS (\\Seen \\Flagged)");
  expect(await flagsIn(shared)).toEqual([["\\Deleted", "\\Seen"]]);
});

it("CLOSE of a mailbox that is deleted meanwhile leaves it all the same", async () => {
  await client.ok("SELECT Trash");
  await client.ok("APPEND Trash (\\Deleted) {4+}\r\nmail");
  atNextWork = () => imap.store.deleteMailbox(imap.account.id, "Trash");
  await client.ok("CLOSE");
  expect((await client.command("EXPUNGE")).status).toMatch(/^BAD /);
});
