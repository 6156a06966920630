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

/** UIDs that hold all messages that the key can describe, among those `within`. */
export function searchBounds(
  key: SearchKey,
  view: MailboxView,
  index: MessageIndex,
  within: UidSet = EVERYWHERE,
): UidSet {
  if (isSet(key)) return uidSetIntersection(within, view.resolve(key.set, { uid: key.type === "uid" }));
  if (key.type === "flag") return flagBounds(key, index, within);
  if (key.type !== "and") return within;
  // Sets first: of a million messages the flags are looked at of those alone that are meant.
  const keys = [...key.keys.filter(isSet), ...key.keys.filter((part) => !isSet(part))];
  return keys.reduce((bounds, part) => searchBounds(part, view, index, bounds), within);
}

function isSet(key: SearchKey): key is Extract<SearchKey, { readonly type: "sequence" | "uid" }> {
  return key.type === "sequence" || key.type === "uid";
}

/** Of a million messages that are all `\Seen` but for a few, the few. */
function flagBounds(
  { flag, set }: Extract<SearchKey, { readonly type: "flag" }>,
  index: MessageIndex,
  within: UidSet,
): UidSet {
  // That is another for each session.
  if (flag === "\\Recent") return within;
  const bounds: UidRange[] = [];
  let runs = 0;
  for (const range of within) {
    const [first, last] = range;
    if (runs >= RUNS_MAX) {
      // To look up each of half a million, which `$` may be, would take 60 ms.
      bounds.push(range);
      continue;
    }
    const end = index.lowerBound(last + 1);
    for (let row = index.lowerBound(first), to = row; row < end; row = to) {
      const isLookedAt = runs++ < RUNS_MAX;
      to = isLookedAt ? index.alikeEnd(row, end) : end;
      if (isLookedAt && index.flagsAt(row).has(flag) !== set) continue;
      bounds.push([index.uids[row] as Uid, index.uids[to - 1] as Uid]);
    }
  }
  return normalizeUidSet(bounds);
}
