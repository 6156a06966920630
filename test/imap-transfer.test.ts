// COPY, MOVE and REPLACE over a real socket, where something happens to one of the two mailboxes before the commit.
import { describe, expect, it } from "@jest/globals";
import type { MailStore } from "@pushmail/mailstore";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";

const start = memoryImapOfTest();

/** A server whose store deletes Archive when it is asked to put something into it. */
async function startWithGoingTarget(): Promise<MemoryImap> {
  const going = async (store: MailStore, account: Parameters<MailStore["deleteMailbox"]>[0]): Promise<void> => {
    await store.deleteMailbox(account, "Going");
  };
  const imap = await start({
    inPlace: (store) => ({
      copy: async (at, ...rest) => going(store, at.account).then(() => store.copy(at, ...rest)),
      move: async (at, ...rest) => going(store, at.account).then(() => store.move(at, ...rest)),
      replace: async (at, ...rest) => going(store, at.account).then(() => store.replace(at, ...rest)),
    }),
  });
  await imap.store.createMailbox(imap.account.id, "Going");
  await imap.append("Subject: one\r\n\r\n");
  return imap;
}

describe("a target that is deleted meanwhile", () => {
  it.each(["COPY 1 Going", "UID MOVE 1 Going", "REPLACE 1 Going {1+}\r\nx"])(
    "may be created again by %j, which has changed nothing (RFC 9051 6.4.7)",
    async (command) => {
      const imap = await startWithGoingTarget();
      const client = await imap.open("INBOX");
      expect((await client.command(command)).status).toBe("NO [TRYCREATE] No such mailbox");
      expect(await client.ok("UID FETCH 1:* UID")).toEqual(["* 1 FETCH (UID 1)"]);
      client.close();
    },
  );
});

describe("a selected mailbox that is deleted meanwhile", () => {
  it.each(["COPY 1 INBOX", "UID MOVE 1 INBOX", "REPLACE 1 INBOX {1+}\r\nx"])(
    "is what is missing by %j, and the target is not to be created",
    async (command) => {
      const imap = await start();
      const { id: account } = imap.account;
      const { id: mailbox } = await imap.store.createMailbox(account, "Going");
      await imap.append("Subject: one\r\n\r\n", { mailbox });
      const client = await imap.open("Going");
      await imap.store.deleteMailbox(account, "Going");
      expect((await client.command(command)).status).toMatch(/^NO \[NONEXISTENT\] /);
      expect(await client.next()).toBe("* BYE The mailbox was deleted");
      expect(imap.errors).toEqual([]);
    },
  );
});
