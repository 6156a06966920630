// What can happen to an account: the closed union that every follower of the feed reads. Words after RFC 5423.
import type { Cursor, MailboxId } from "./ids.ts";
import type { UidSet } from "./uid-set.ts";

/** How messages came into a mailbox. */
export type AppendedBy = "delivery" | "append" | "copy" | "move";

export type Change =
  | {
      readonly type: "MessageAppended";
      readonly mailbox: MailboxId;
      readonly uids: UidSet;
      readonly by: AppendedBy;
    }
  | { readonly type: "FlagsChanged"; readonly mailbox: MailboxId; readonly uids: UidSet }
  | {
      readonly type: "MessageExpunged";
      readonly mailbox: MailboxId;
      readonly uids: UidSet;
      readonly by: "expunge" | "move";
    }
  | { readonly type: "MailboxCreated"; readonly mailbox: MailboxId; readonly name: string }
  | {
      readonly type: "MailboxRenamed";
      readonly mailbox: MailboxId;
      readonly oldName: string;
      readonly name: string;
    }
  | { readonly type: "MailboxDeleted"; readonly mailbox: MailboxId; readonly name: string }
  | { readonly type: "MailboxSubscribed"; readonly name: string }
  | { readonly type: "MailboxUnsubscribed"; readonly name: string }
  /** An entry of metadata was set or removed (RFC 5464): one of a mailbox, or one of the account itself. */
  | { readonly type: "MailboxMetadataChanged"; readonly mailbox: MailboxId; readonly entry: string }
  | { readonly type: "ServerMetadataChanged"; readonly entry: string }
  /** The rights of an identifier (RFC 4314 3). */
  | { readonly type: "RightsChanged"; readonly mailbox: MailboxId; readonly identifier: string };

/** Everything that one transaction changed, all at the same cursor. */
export interface ChangeRecord {
  readonly cursor: Cursor;
  /** When it was committed, in milliseconds since 1970. */
  readonly atMs: number;
  readonly changes: readonly Change[];
}

/** The answer of `changes`: the records after a cursor, or the news that they are no longer kept. */
export type ChangesPage =
  | {
      readonly tooOld: false;
      readonly records: readonly ChangeRecord[];
      /** The cursor that has been read through; pass it as the next `since`. */
      readonly through: Cursor;
      /** Whether more records wait behind `through`. */
      readonly more: boolean;
    }
  | {
      readonly tooOld: true;
      /** The current end of the log: resynchronise from the state, then read on from here. */
      readonly through: Cursor;
    };
