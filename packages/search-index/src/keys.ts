// The keys of the index: what a pack is of, its account, its mailbox, and the UID of its first message.
import { accountId, mailboxId, type MailboxAt, type Uid, type UidRange } from "@pushmail/mailstore";

/** In the order of their keys. */
export const KINDS = ["envelope", "message"] as const;
export type Kind = (typeof KINDS)[number];

/** Where it stands what the index was made with. */
export const FORMAT_KEY: Buffer = Buffer.from([0]);
export const ALL_UIDS: UidRange = [0, 2 ** 32 - 1];
const FIRST_PREFIX = 1;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lte: Buffer;
}

export function packKey(kind: Kind, { account, mailbox }: MailboxAt, uid: Uid): Buffer {
  const key = Buffer.allocUnsafe(13);
  key[0] = FIRST_PREFIX + KINDS.indexOf(kind);
  key.writeUInt32BE(account, 1);
  key.writeUInt32BE(mailbox, 5);
  key.writeUInt32BE(uid, 9);
  return key;
}

/** The packs of a mailbox whose first messages are in a range. */
export function packRange(kind: Kind, at: MailboxAt, [first, last]: UidRange = ALL_UIDS): KeyRange {
  return { gte: packKey(kind, at, first), lte: packKey(kind, at, last) };
}

export function mailboxOfKey(key: Buffer): MailboxAt {
  return { account: accountId(key.readUInt32BE(1)), mailbox: mailboxId(key.readUInt32BE(5)) };
}
