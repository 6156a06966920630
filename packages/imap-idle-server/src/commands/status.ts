// STATUS (RFC 9051 6.3.11), from the head of the mailbox alone.
import { parseMailbox, parseStatusItems, printStatus, type StatusItem } from "@pushmail/imap-wire";
import { Refusal, type AccountId, type MailboxStatus } from "@pushmail/mailstore";
import { command, type Command, type Session } from "../command.ts";

export const status: Command = command({
  name: "STATUS",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    const name = parseMailbox(scan);
    scan.space();
    return { name, items: parseStatusItems(scan) };
  },
  async run(session, { name, items }, { account }) {
    const found = await session.store.mailbox(account.id, name);
    if (found === undefined) throw new Refusal("mailboxNotFound", "No such mailbox");
    // RFC 7162 3.1: to ask for HIGHESTMODSEQ turns CONDSTORE on.
    if (items.includes("HIGHESTMODSEQ")) await session.enable("CONDSTORE");
    const recent = items.includes("RECENT") ? await countRecent(session, account.id, found) : 0;
    const values = items.map((item) => [item, valueOf(item, found, recent)] as const);
    await session.write(printStatus({ name: found.name, values }));
  },
});

/** The value of an item; `recent` is the one that the status does not have. */
export function valueOf(item: StatusItem, status: MailboxStatus, recent: number): number | string {
  switch (item) {
    case "DELETED":
      return status.deleted;
    case "HIGHESTMODSEQ":
      return status.highestModSeq;
    case "MAILBOXID":
      return `F${status.id}`;
    case "MESSAGES":
      return status.messages;
    case "RECENT":
      return recent;
    case "SIZE":
      return status.sizeBytes;
    case "UIDNEXT":
      return status.uidNext;
    case "UIDVALIDITY":
      return status.uidValidity;
    case "UNSEEN":
      return status.unseen;
  }
}

/** How many messages a SELECT would make `\Recent`: the one figure that may need the index. */
async function countRecent(session: Session, account: AccountId, { id, uidNext }: MailboxStatus): Promise<number> {
  const handle = await session.store.open({ account, mailbox: id });
  try {
    const { recentFrom } = handle;
    if (recentFrom >= uidNext) return 0;
    const index = await handle.ready();
    return index.count - index.lowerBound(recentFrom);
  } finally {
    handle.release();
  }
}
