// What a check of the mail finds, for who wants to mend it.
import type { AccountHead, DirectoryEntry, MailboxHead } from "../driver.ts";
import type { BlobId } from "../ids.ts";
import type { MailboxContents } from "../mailbox-contents.ts";
import type { MailboxAt } from "../store.ts";
import type { UidSet } from "../uid-set.ts";
import type { Finding } from "./finding.ts";
import type { StatedProperties } from "./mend-heads.ts";

/** A message whose body cannot be had. */
export interface LostMessage {
  readonly blob: BlobId;
  /** Where it should lie. */
  readonly place: BlobId;
  readonly finding: Finding;
}

/** Where the rows of a mailbox and its head differ. */
export interface MailboxFault {
  readonly at: MailboxAt;
  readonly contents: MailboxContents;
  readonly counted: Pick<MailboxHead, "messages" | "unseen" | "deleted" | "bytes">;
}

/** Messages of which nothing is known but their flags. */
export interface LostRows {
  readonly at: MailboxAt;
  readonly uids: UidSet;
}

export interface MailListener {
  found(finding: Finding): void;
  lost(message: LostMessage): void;
  rowless(messages: LostRows): void;
  miscounted(fault: MailboxFault): void;
  /** The sums of an account are not those of its mailboxes. */
  missummed(head: AccountHead): void;
  /** What is shared is found by this entry of the directory, which is missing. */
  unnoted(note: DirectoryEntry): void;
  /** The log says something else of a mailbox, or of the account itself, than the head. */
  misstated(stated: StatedProperties): void;
}
