// What is stored of messages, from the cheapest source that has what a command asks for.
import { uidSetOf, type MailboxHandle, type MessageDetails, type MessageMetadata, type Uid } from "@pushmail/mailstore";

/** From the cheapest to the dearest; each gives what those before give. */
export const MESSAGE_SOURCES = ["index", "metadata", "details"] as const;
export type MessageSource = (typeof MESSAGE_SOURCES)[number];

/** As much as the source gives; what the index has is asked of the index, which is newer. */
export type StoredMessage = Pick<MessageMetadata, "uid"> | MessageMetadata | MessageDetails;

/** Loads the messages of these that exist, ascending, in batches. */
export function loadMessages(
  handle: MailboxHandle,
  source: MessageSource,
  uids: readonly Uid[],
): AsyncIterable<readonly StoredMessage[]> | Iterable<readonly StoredMessage[]> {
  switch (source) {
    case "index":
      return [uids.map((uid) => ({ uid }))];
    case "metadata":
      return handle.metadata(uidSetOf(uids));
    case "details":
      return handle.details(uidSetOf(uids));
  }
}
