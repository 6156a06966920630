// What is stored of messages, from the cheapest source that has what a command asks for.
import { uidSetOf, type MailboxHandle, type MessageDetails, type MessageMetadata, type Uid } from "@pushmail/mailstore";

/** From the cheapest to the dearest; each gives what those before give. */
export const MESSAGE_SOURCES = ["index", "metadata", "details"] as const;
export type MessageSource = (typeof MESSAGE_SOURCES)[number];

/** As much as the source gives; what the index has is asked of the index, which is newer. */
export type StoredMessage = Pick<MessageMetadata, "uid"> | MessageMetadata | MessageDetails;

/** Loads the messages of these that exist, ascending, in batches: at least what the source gives. */
export function loadMessages(
  handle: MailboxHandle,
  source: MessageSource,
  uids: readonly Uid[],
): AsyncIterable<readonly MessageMetadata[]> {
  const set = uidSetOf(uids);
  return source === "details" ? handle.details(set) : handle.metadata(set);
}
