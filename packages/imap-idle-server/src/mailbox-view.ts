// What one client has been told of its mailbox: the UIDs behind its sequence numbers, and the cursor seen through.
// `apply` and `compare` alone change it; what they return must then be told. Expunges that are held back need no queue:
// `through` stays before them, and `toldThrough` goes on.
import { resolveSequenceSet, SyntaxFault, type SequenceSet } from "@pushmail/imap-wire";
import {
  EMPTY_UID_SET,
  lowerBound,
  normalizeUidSet,
  uidSetDifference,
  uidSetHas,
  uidSetOf,
  uidSetSize,
  type ChangeRecord,
  type Cursor,
  type MailboxId,
  type MailboxStatus,
  type MessageIndex,
  type Uid,
  type UidSet,
} from "@pushmail/mailstore";
import type { LiveSearch } from "./live/live-search.ts";
import { MailboxNews, type UpdateOptions, type Updates } from "./mailbox-updates.ts";
import { addOne, lastOf, merged, rowCount, spliced, uidsBelow, type RowRange } from "./uid-rows.ts";

const NO_UIDS: Uint32Array = new Uint32Array(0);
const NO_LIVE: readonly LiveSearch[] = [];

/** How far a client was told. */
interface Standing {
  readonly count: number;
  readonly through: Cursor;
  readonly toldThrough: Cursor;
  readonly uidNext: Uid;
  readonly uids: Uint32Array | undefined;
}

/**
 * What `apply` has given last: of a thousand sessions that stand at the same point of a mailbox and are woken together the
 * first works it out for all, which saves a quarter of what a wake costs. There is one for all mailboxes, and nothing but
 * the turn in which they are woken keeps it: it holds an index, which may be large and be closed meanwhile.
 */
interface Applied {
  readonly index: MessageIndex;
  readonly options: UpdateOptions;
  readonly before: Standing;
  readonly after: Standing;
  readonly updates: Updates;
}

interface TakeOptions extends UpdateOptions {
  /** Before the first expunge that is held back; undefined where none is. */
  readonly heldFrom: Cursor | undefined;
}

let lastApplied: WeakRef<Applied> | undefined;

/** What `$` stands for, while somebody has it: a search may name it a thousand times, each of half a million ranges. */
const savedSets = new WeakMap<Uint32Array, WeakRef<UidSet>>();

function setOfSaved(saved: Uint32Array): UidSet {
  let set = savedSets.get(saved)?.deref();
  if (set === undefined) savedSets.set(saved, new WeakRef((set = uidSetOf(saved))));
  return set;
}

export class MailboxView {
  /** How many keywords the client was told of; -1 before SELECT told of any. */
  keywordsTold = -1;
  /** The rights that it had then. */
  rightsTold = "";
  /** The UIDs that `$` stands for (RFC 5182 2); some may be gone. */
  saved: Uint32Array = NO_UIDS;
  /** The searches whose results the client is told of as they change. */
  live: readonly LiveSearch[] = NO_LIVE;
  readonly #mailbox: MailboxId;
  #count: number;
  #through: Cursor;
  #toldThrough: Cursor;
  /** Above every UID that was told. */
  #uidNext: Uid;
  /** The first `#count` are told; undefined until `load`, for SELECT answers from the head alone. */
  #uids: Uint32Array | undefined;
  #recent: UidSet = EMPTY_UID_SET;
  #isLacking = false;
  #ownCursors: Set<Cursor> | undefined;

  constructor(status: MailboxStatus) {
    this.#mailbox = status.id;
    this.#count = status.messages;
    this.#through = status.highestModSeq;
    this.#toldThrough = status.highestModSeq;
    this.#uidNext = status.uidNext;
    if (status.messages === 0) this.#uids = NO_UIDS;
  }

  /** How many messages the client knows of. */
  get count(): number {
    return this.#count;
  }

  /** The client was told of all changes up to this cursor. */
  get through(): Cursor {
    return this.#through;
  }

  /** And of all but expunges up to this one. */
  get toldThrough(): Cursor {
    return this.#toldThrough;
  }

  get isLoaded(): boolean {
    return this.#uids !== undefined;
  }

  /** Whether messages may not be there, and the client was not yet told that they are gone. */
  get isLacking(): boolean {
    return this.#isLacking;
  }

  /** The UIDs of the messages 1 to `count`; what lies behind them is not for this client. */
  get uids(): Uint32Array {
    if (this.#uids === undefined) throw new Error("the view is not loaded");
    return this.#uids;
  }

  /**
   * Takes the UIDs from the index; `expunged` is what went between `through` and the index. False, and nothing taken,
   * where the two do not make up what was told: the index is newer.
   */
  load(index: MessageIndex, expunged: UidSet): boolean {
    const known = index.lowerBound(this.#uidNext);
    const gone = uidsBelow(this.#uidNext, expunged);
    if (known === this.#count) this.#uids = index.uids;
    else if (known + uidSetSize(gone) === this.#count) this.#uids = merged(index.uids.subarray(0, known), gone);
    return this.isLoaded;
  }

  /**
   * The same where the two will never make up what was told: changes are lost, or `expunged` is more than what went since.
   * UIDs that nothing has stand for what is not there, and more than were told are taken in. Returns how many are lost, or
   * as a negative number how many are more.
   */
  loadLossy(index: MessageIndex, expunged: UidSet): number {
    const known = index.uids.subarray(0, index.lowerBound(this.#uidNext));
    const gone = uidSetDifference(uidsBelow(this.#uidNext, expunged), uidSetOf(known));
    const there = merged(known, lastOf(gone, this.#count - known.length));
    const lost = this.#count - there.length;
    const free = uidSetDifference([[1, this.#uidNext - 1]], uidSetOf(there));
    this.#uids = merged(there, lastOf(free, lost));
    this.#count = this.#uids.length;
    this.#isLacking = true;
    return lost;
  }

  /** The UID of a sequence number from 1 to `count`. */
  uidOf(number: number): Uid {
    const uid = number >= 1 && number <= this.#count ? this.uids[number - 1] : undefined;
    if (uid === undefined) throw new RangeError(`no message has the number ${number}`);
    return uid;
  }

  /** The sequence number of a UID, 0 where the client knows no such message; `likelyRow` is looked at first, of UIDs without gaps the right one. */
  numberOf(uid: Uid, likelyRow: number = uid - (this.uids[0] ?? 0)): number {
    const isIt = likelyRow < this.#count && this.uids[likelyRow] === uid;
    const row = isIt ? likelyRow : this.lowerBound(uid);
    return row < this.#count && this.uids[row] === uid ? row + 1 : 0;
  }

  /** The first row whose UID is at least `uid`; `count` where there is none. */
  lowerBound(uid: Uid): number {
    return lowerBound(this.uids, this.#count, uid);
  }

  /**
   * The messages that the client means, as UIDs; ranges may span UIDs that are not there. Numbers must be those of
   * messages, while UIDs that the client was not told of are left out.
   */
  resolve(set: SequenceSet, options: { readonly uid: boolean }): UidSet {
    if (set === "$") return setOfSaved(this.saved);
    const lastUid = this.#count === 0 ? 0 : this.uidOf(this.#count);
    if (options.uid) return uidsBelow(lastUid + 1, resolveSequenceSet(set, lastUid));
    return resolveSequenceSet(set, this.#count).map(([first, last]) => {
      if (last > this.#count) throw new SyntaxFault(`There are only ${this.#count} messages`);
      return [this.uidOf(first), this.uidOf(last)];
    });
  }

  /** The messages of a set that the client knows. */
  known(set: UidSet): UidSet {
    const known: [Uid, Uid][] = [];
    for (const [first, last] of this.#rowsOf(set)) {
      for (let row = first; row <= last; row++) addOne(known, this.uids[row] as Uid);
    }
    return known;
  }

  /** How many messages of a set the client knows. */
  countOf(set: UidSet): number {
    return rowCount(this.#rowsOf(set));
  }

  /** Whether a message is `\Recent` to this session. */
  isRecent(uid: Uid): boolean {
    return uidSetHas(this.#recent, uid);
  }

  /** How many of the messages told are `\Recent`; before `load` at most so many. */
  get recentCount(): number {
    if (this.#recent.length === 0) return 0;
    if (this.isLoaded) return rowCount(this.#rowsOf(this.#recent));
    return Math.min(this.#count, uidSetSize(uidsBelow(this.#uidNext, this.#recent)));
  }

  /** Makes no message `\Recent` that was, and gives these. */
  forgetRecent(): UidSet {
    const recent = this.#recent;
    this.#recent = EMPTY_UID_SET;
    return recent;
  }

  /** Makes the messages of a range `\Recent`; a range that ends before it begins is empty. */
  addRecent(first: Uid, last: Uid): void {
    if (first <= last) this.#recent = normalizeUidSet([...this.#recent, [first, last]]);
  }

  /**
   * Remembers that a change is the client's own: the session tells of it itself, or need not tell. It is told again where
   * more than `changesMax` of them were not seen through: so many are not read one by one.
   */
  addOwnChange(cursor: Cursor, changesMax: number): void {
    if (cursor <= this.#toldThrough) return;
    if ((this.#ownCursors?.size ?? 0) >= changesMax) this.#ownCursors?.clear();
    (this.#ownCursors ??= new Set()).add(cursor);
  }

  /** Takes note that up to a cursor nothing happened in the mailbox that the client was not told of. */
  skipTo(through: Cursor): void {
    this.#advance(through, through);
  }

  /** Takes in the records after `through`. The index must be at least as new as they are. */
  apply(records: readonly ChangeRecord[], index: MessageIndex, options: UpdateOptions): Updates {
    if (this.#ownCursors !== undefined) return this.#work(records, index, options);
    const applied = lastApplied?.deref();
    if (applied !== undefined && this.#isAsBefore(applied, index, options)) {
      this.#stand(applied.after);
      return applied.updates;
    }
    const before = this.#standing;
    const updates = this.#work(records, index, options);
    lastApplied = new WeakRef({ index, options, before, after: this.#standing, updates });
    return updates;
  }

  get #standing(): Standing {
    return {
      count: this.#count,
      through: this.#through,
      toldThrough: this.#toldThrough,
      uidNext: this.#uidNext,
      uids: this.#uids,
    };
  }

  #stand({ count, through, toldThrough, uidNext, uids }: Standing): void {
    this.#count = count;
    this.#through = through;
    this.#toldThrough = toldThrough;
    this.#uidNext = uidNext;
    this.#uids = uids;
  }

  /** The index tells which mailbox it is, and the two cursors tell which records. */
  #isAsBefore(same: Applied, index: MessageIndex, options: UpdateOptions): boolean {
    const { before } = same;
    return (
      same.index === index &&
      same.options.through === options.through &&
      same.options.holdsExpunge === options.holdsExpunge &&
      before.through === this.#through &&
      before.toldThrough === this.#toldThrough &&
      before.count === this.#count &&
      before.uidNext === this.#uidNext &&
      before.uids === this.#uids
    );
  }

  #work(records: readonly ChangeRecord[], index: MessageIndex, options: UpdateOptions): Updates {
    const news = new MailboxNews(this.#mailbox);
    let heldFrom: Cursor | undefined;
    let before = this.#through;
    for (const record of records) {
      if (options.holdsExpunge && news.isExpungedBy(record)) heldFrom ??= before;
      const isTold = record.cursor <= this.#toldThrough;
      news.add(record, { isOwn: this.#ownCursors?.has(record.cursor) === true, isTold });
      before = record.cursor;
    }
    return this.#take(news, index, { ...options, heldFrom });
  }

  /**
   * Takes in the index itself, where the records are too many or no longer kept. Own changes are told again: others may
   * lie below them.
   */
  compare(index: MessageIndex, options: UpdateOptions): Updates {
    const told = this.uids;
    const expunged: [number, number][] = [];
    const vanished: [Uid, Uid][] = [];
    const flagged: [Uid, Uid][] = [];
    let at = 0;
    for (let row = 0; row < this.#count; row++) {
      const uid = told[row] as Uid;
      while (at < index.count && (index.uids[at] as Uid) < uid) at++;
      if (at === index.count || index.uids[at] !== uid) {
        addOne(expunged, row);
        addOne(vanished, uid);
      } else if (index.modSeqAt(at) > this.#toldThrough) addOne(flagged, uid);
    }
    const isHeld = options.holdsExpunge && expunged.length > 0;
    this.#isLacking &&= isHeld;
    const arrived = uidSetOf(index.uids.subarray(index.lowerBound(this.#uidNext), index.count));
    this.#uidNext = Math.max(this.#uidNext, (index.uids[index.count - 1] ?? 0) + 1);
    this.#replaceUids(isHeld ? [] : expunged, arrived, index);
    this.#advance(isHeld ? this.#through : options.through, options.through);
    return {
      expunged: isHeld ? [] : expunged,
      vanished: isHeld ? EMPTY_UID_SET : vanished,
      exists: arrived.length > 0 ? this.#count : undefined,
      arrived,
      flags: flagged,
      own: [],
    };
  }

  #take(news: MailboxNews, index: MessageIndex, { holdsExpunge, heldFrom, through }: TakeOptions): Updates {
    const gone = normalizeUidSet(news.expunged);
    const told = holdsExpunge ? EMPTY_UID_SET : gone;
    const expunged = this.#rowsOf(told);
    const vanished = this.known(told);
    const flags = uidSetDifference(uidsBelow(this.#uidNext, news.flagged), gone);
    const arrived = uidSetDifference(normalizeUidSet(news.appended), [[0, this.#uidNext - 1]]);
    // What came and went before it could be told is not told.
    const fresh = uidSetDifference(arrived, gone);
    this.#uidNext = Math.max(this.#uidNext, (arrived.at(-1)?.[1] ?? 0) + 1);
    this.#replaceUids(expunged, fresh, index);
    this.#advance(heldFrom ?? through, through);
    const exists = fresh.length > 0 ? this.#count : undefined;
    const arrivedOfOthers = uidSetDifference(fresh, normalizeUidSet(news.own));
    return { expunged, vanished, exists, arrived: arrivedOfOthers, flags, own: news.own };
  }

  #replaceUids(expunged: readonly RowRange[], fresh: UidSet, index: MessageIndex): void {
    const told = this.#count;
    this.#count += uidSetSize(fresh) - rowCount(expunged);
    // The index lacks nothing that is not expunged: as many UIDs are the same UIDs.
    if (index.lowerBound(this.#uidNext) === this.#count) this.#uids = index.uids;
    else this.#uids = spliced(this.uids.subarray(0, told), expunged, fresh);
  }

  /** The rows that hold messages of a set. */
  #rowsOf(set: UidSet): RowRange[] {
    const rows: RowRange[] = [];
    for (const [first, last] of set) {
      const from = this.lowerBound(first);
      const to = this.lowerBound(last + 1) - 1;
      if (from <= to) rows.push([from, to]);
    }
    return rows;
  }

  #advance(through: Cursor, toldThrough: Cursor): void {
    if (through > this.#through) this.#through = through;
    if (toldThrough > this.#toldThrough) this.#toldThrough = toldThrough;
    for (const own of this.#ownCursors ?? []) if (own <= this.#toldThrough) this.#ownCursors?.delete(own);
    if (this.#ownCursors?.size === 0) this.#ownCursors = undefined;
  }
}
