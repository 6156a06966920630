// Where a search can find anything at all, so that `UID SEARCH UID 1000000:* UNSEEN` does not look at the rest.
import type { SearchKey } from "@pushmail/imap-wire";
import { uidSetIntersection, type UidSet } from "@pushmail/mailstore";
import type { MailboxView } from "../mailbox-view.ts";

const EVERYWHERE: UidSet = [[1, 2 ** 32 - 1]];

/** UIDs that hold all messages that the key can describe. */
export function searchBounds(key: SearchKey, view: MailboxView): UidSet {
  if (key.type === "sequence" || key.type === "uid") return view.resolve(key.set, { uid: key.type === "uid" });
  if (key.type === "and") return key.keys.map((part) => searchBounds(part, view)).reduce(uidSetIntersection);
  return EVERYWHERE;
}
