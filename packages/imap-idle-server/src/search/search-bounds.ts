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
/** Keys beside sets that are asked where they may hold: each looks at all messages in one go. */
const KEYS_MAX = 8;

/** UIDs that hold all messages that the key can describe. */
export function searchBounds(key: SearchKey, view: MailboxView, index: MessageIndex): UidSet {
  const parts = partsOf(key);
  // Sets first: of a million messages the flags are looked at of those alone that are meant. `$` is one however often named.
  const sets = new Set(parts.filter(isSet).map(({ type, set }) => view.resolve(set, { uid: type === "uid" })));
  const meant = [...sets].reduce(uidSetIntersection, EVERYWHERE);
  const runs = parts.flatMap((part) => runsOf(part, index) ?? []);
  return runs.slice(0, KEYS_MAX).reduce((bounds, fits) => fittingRuns(fits, index, bounds), meant);
}

/** What must all hold. */
function partsOf(key: SearchKey): readonly SearchKey[] {
  return key.type === "and" ? key.keys.flatMap(partsOf) : [key];
}

function isSet(key: SearchKey): key is Extract<SearchKey, { readonly type: "sequence" | "uid" }> {
  return key.type === "sequence" || key.type === "uid";
}

/** Rows that hold together: where they end, and whether the key may describe them. */
interface Runs {
  readonly endOf: (row: number, end: number) => number;
  readonly fits: (row: number) => boolean;
}

/** Undefined where the index does not tell, or as `\Recent` not for all sessions the same. */
function runsOf(key: SearchKey, index: MessageIndex): Runs | undefined {
  if (key.type === "not") return key.key.type === "flag" ? runsOf({ ...key.key, set: !key.key.set }, index) : undefined;
  if (key.type === "flag" && key.flag !== "\\Recent") {
    const { flag, set } = key;
    return {
      endOf: (row, end) => index.alikeEnd(row, end),
      fits: (row) => index.flagsAt(row).has(flag) === set,
    };
  }
  if (key.type !== "modSeq") return undefined;
  const fits = (row: number): boolean => index.modSeqAt(row) >= key.modSeq;
  return {
    fits,
    endOf(row, end) {
      const isNew = fits(row);
      let to = row + 1;
      while (to < end && fits(to) === isNew) to++;
      return to;
    },
  };
}

/** Of a million messages that are all `\Seen` but for a few, the few. */
function fittingRuns({ endOf, fits }: Runs, index: MessageIndex, within: UidSet): UidSet {
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
      to = isLookedAt ? endOf(row, end) : end;
      if (isLookedAt && !fits(row)) continue;
      bounds.push([index.uids[row] as Uid, index.uids[to - 1] as Uid]);
    }
  }
  return normalizeUidSet(bounds);
}
