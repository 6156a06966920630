// A search whose results are told as they change (RFC 5267 4.3): what it looks for, and what the client knows of it.
import type { FetchItem, SearchKey, SequenceSet } from "@pushmail/imap-wire";
import {
  normalizeUidSet,
  uidSetDifference,
  uidSetIntersection,
  type Uid,
  type UidRange,
  type UidSet,
} from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import type { MailboxView } from "../mailbox-view.ts";
import { includesKey } from "../search/includes-key.ts";
import type { SortOrder } from "../sort/sort-order.ts";
import { ResultList, type Run } from "./result-list.ts";

/** About what a range of a set takes. */
const RANGE_BYTES = 72;

export interface LiveSearchParts {
  readonly tag: string;
  /** Whether its results are told as UIDs. */
  readonly uid: boolean;
  /** With `fixKey` behind it. */
  readonly key: SearchKey;
  /** What is told of new messages among the results (RFC 5465 7). */
  readonly fetch: readonly FetchItem[];
  /** Of a SORT; the results of a SEARCH are in mailbox order. */
  readonly order: SortOrder | undefined;
}

export class LiveSearch {
  readonly parts: LiveSearchParts;
  readonly #results: ResultList;
  readonly #dependsOnFlags: boolean;
  readonly #dependsOnLast: boolean;
  readonly #keyBytes: number;
  /** The last message of the mailbox when it was looked at. */
  #lastUid: Uid;

  constructor(parts: LiveSearchParts, results: Uint32Array, view: MailboxView) {
    const { key, order } = parts;
    this.parts = parts;
    this.#results = new ResultList(results, (a, b) => (order === undefined ? a - b : order.compare(a, b)));
    this.#dependsOnFlags = includesKey(key, "flag") || includesKey(key, "modSeq");
    // UIDs with `*` are of another message as messages come and go.
    this.#dependsOnLast = includesKey(key, (part) => part.type === "uid" && !isFixed(part.set));
    this.#keyBytes = RANGE_BYTES * rangesOf(key);
    this.#lastUid = lastUidOf(view);
  }

  /** About as much as is held of its results, and of its sets: `$` may be of very many ranges. */
  get bytes(): number {
    return this.#results.bytes + (this.parts.order?.bytes ?? 0) + this.#keyBytes;
  }

  /** The messages that must be looked at where some have changed; those above `after` are new. */
  lookAt(changed: UidSet, view: MailboxView): { readonly looked: UidSet; readonly after: Uid } {
    const after = this.#lastUid;
    const last = (this.#lastUid = lastUidOf(view));
    const ends: UidRange[] =
      this.#dependsOnLast && after !== last
        ? [
            [after, after],
            [last, last],
          ]
        : [];
    const looked = this.#dependsOnFlags ? changed : uidSetDifference(changed, [[0, after]]);
    return { looked: normalizeUidSet([...looked, ...ends]), after };
  }

  has(uid: Uid): boolean {
    const { order } = this.parts;
    return order === undefined ? this.#results.has(uid) : order.has(uid);
  }

  /** Puts new results where they belong; of a SORT those only that are still there to be read. */
  async add(session: Session, state: Selected, uids: readonly Uid[]): Promise<readonly Run[]> {
    const there = uids.length === 0 ? uids : await this.parts.order?.learn(session, state, uids);
    return this.#results.add(there ?? uids);
  }

  remove(uids: readonly Uid[]): readonly Run[] {
    const runs = this.#results.remove(uids);
    this.parts.order?.forget(uids);
    return runs;
  }
}

function lastUidOf(view: MailboxView): Uid {
  return view.count === 0 ? 0 : view.uidOf(view.count);
}

/** RFC 5267 4.3: message numbers, and `$`, are those of the moment at which the command comes. */
export function fixKey(key: SearchKey, view: MailboxView): SearchKey {
  return withParts(key, (part) => {
    if (part.type === "sequence") return { type: "uid", set: view.resolve(part.set, { uid: false }) };
    if (part.type === "uid" && part.set === "$") return { type: "uid", set: view.resolve(part.set, { uid: true }) };
    return part;
  });
}

/** The same of certain messages, whose sets name no others: else each look would go through half a million ranges. */
export function amongOnly(key: SearchKey, among: UidSet): SearchKey {
  return withParts(key, (part) => {
    if (part.type !== "uid" || !isFixed(part.set)) return part;
    return { type: "uid", set: uidSetIntersection(among, normalizeUidSet(part.set)) };
  });
}

/** The same search of what its simple keys become. */
function withParts(key: SearchKey, become: (part: SearchKey) => SearchKey): SearchKey {
  if (key.type === "not") return { type: "not", key: withParts(key.key, become) };
  if (key.type === "or") return { type: "or", keys: [withParts(key.keys[0], become), withParts(key.keys[1], become)] };
  if (key.type === "and") return { type: "and", keys: key.keys.map((part) => withParts(part, become)) };
  return become(key);
}

function rangesOf(key: SearchKey): number {
  if (key.type === "not") return rangesOf(key.key);
  if (key.type === "and" || key.type === "or") return key.keys.reduce((sum, part) => sum + rangesOf(part), 0);
  return key.type === "uid" ? key.set.length : 0;
}

function isFixed(set: SequenceSet): set is UidSet {
  return set !== "$" && set.every(([first, last]) => first !== "*" && last !== "*");
}
