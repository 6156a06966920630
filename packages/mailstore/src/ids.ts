// The identifiers of the store. Branded, so that one kind cannot be passed for another; made only here.

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** An account: 1 to 2^32 - 1, never reused. */
export type AccountId = Branded<"AccountId">;
/** A mailbox within its account: 1 to 2^32 - 1, never reused, kept through renames. */
export type MailboxId = Branded<"MailboxId">;
/** A position in an account's history: 0 is before the first change, each transaction adds 1 (below 2^53). */
export type Cursor = Branded<"Cursor">;
/** A stored message body; the driver gives it out and alone can read it (0 to 2^53 - 1). */
export type BlobId = Branded<"BlobId">;
/** A message within its mailbox: 1 to 2^32 - 1 (RFC 9051 2.3.1.1). Plain, because it lives in typed arrays. */
export type Uid = number;

/** The pseudo-mailbox whose head carries what belongs to the account itself: its list of subscriptions, its guard. */
export const ACCOUNT_DIRECTORY: MailboxId = 0 as MailboxId;
/** From here on pseudo-mailboxes: each keeps one entry of metadata (RFC 5464) as its properties, and no message. */
export const METADATA_FIRST: MailboxId = (2 ** 31) as MailboxId;

/** Whether it is a mailbox, not what else has a head of its own. */
export function isMailbox(id: MailboxId): boolean {
  return id !== ACCOUNT_DIRECTORY && id < METADATA_FIRST;
}

export function accountId(value: number): AccountId {
  return checked(value, 2 ** 32 - 1, "account id") as AccountId;
}
export function mailboxId(value: number): MailboxId {
  return checked(value, 2 ** 32 - 1, "mailbox id") as MailboxId;
}
export function cursor(value: number): Cursor {
  return checked(value, Number.MAX_SAFE_INTEGER, "cursor") as Cursor;
}
export function blobId(value: number): BlobId {
  return checked(value, Number.MAX_SAFE_INTEGER, "blob id") as BlobId;
}

function checked(value: number, max: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`${what} out of range: ${value}`);
  return value;
}
