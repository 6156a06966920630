// Ids of mailboxes and messages (RFC 8474): kept for as long as these are, and to one client never those of others. Those of a
// store that was restored end in which restore it was: what came behind the backup had numbers that are given out again.
import type { Reached } from "./access.ts";
import type { Selected } from "./command.ts";

/** RFC 8474 4.1: kept through renames. Within an account they are numbers of its own. */
export function mailboxIdOf({ owner, prefix, status }: Pick<Reached, "owner" | "prefix" | "status">): string {
  return (prefix === "" ? `F${status.id}` : `F${owner.id}-${status.id}`) + endOf(status.restored);
}

/** RFC 8474 5.1: of a message in the selected mailbox. The store's are unique within an account. */
export function emailIdOf({ account, handle }: Selected, emailId: string): string {
  const whose = handle.account === account.id ? emailId : `E${handle.account}-${emailId.slice(1)}`;
  return whose + endOf(handle.restored);
}

function endOf(restored: string | null): string {
  return restored === null ? "" : `_${restored}`;
}
