// Where a search can find anything at all, so that `UID SEARCH UID 1000000:* UNSEEN` does not look at the rest.
import type { SearchKey } from "@pushmail/imap-wire";
import {
  normalizeUidSet,
  uidSetIntersection,
  type MessageIndex,
  type Uid,
  type UidRange,
  type UidSet,
} from "@pushmail/mailstore";
import type { MailboxView } from "../mailbox-view.ts";

const UID_MAX = 2 ** 32 - 1;
const EVERYWHERE: UidSet = [[1, UID_MAX]];
/** Runs of messages with the same flags that are looked at: where there are more, what lies behind them may be anything. */
const RUNS_MAX = 1_000;

/** UIDs that hold all messages that the key can describe. */
export function searchBounds(key: SearchKey, view: MailboxView, index: MessageIndex): UidSet {
  if (key.type === "sequence" || key.type === "uid") return view.resolve(key.set, { uid: key.type === "uid" });
  if (key.type === "flag") return flagBounds(key, index);
  if (key.type === "and") return key.keys.map((part) => searchBounds(part, view, index)).reduce(uidSetIntersection);
  return EVERYWHERE;
}

/** Of a million messages that are all `\Seen` but for a few, the few. */
function flagBounds({ flag, set }: Extract<SearchKey, { readonly type: "flag" }>, index: MessageIndex): UidSet {
  // That is another for each session.
  if (flag === "\\Recent") return EVERYWHERE;
  const bounds: UidRange[] = [];
  for (let row = 0, runs = 0; row < index.count; runs++) {
    const end = runs === RUNS_MAX ? index.count : index.alikeEnd(row, index.count);
    if (runs === RUNS_MAX || index.flagsAt(row).has(flag) === set) {
      bounds.push([index.uids[row] as Uid, index.uids[end - 1] as Uid]);
    }
    row = end;
  }
  return normalizeUidSet(bounds);
}
