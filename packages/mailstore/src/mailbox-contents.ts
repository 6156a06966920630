// All that is known of a loaded mailbox' messages: hot columns, the cold rows that no chunk holds yet, and what vanished.
// It changes by applying committed records in cursor order, and in no other way.
import { CHUNK_WIDTH, COLUMN, decodeHotChunk, decodeVanished } from "./chunk-codec.ts";
import type { MailboxHead, StoreDriver } from "./driver.ts";
import { FlagSets } from "./flag-sets.ts";
import { giveWay } from "./give-way.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { PackedRows, type AppendedRow } from "./appended-rows.ts";
import type { MailboxFact } from "./log-record.ts";
import { coldRow, PackedColdRows, readEvents, type MailboxEvent } from "./mailbox-events.ts";
import { MessageColumns } from "./message-columns.ts";
import type { MailboxAt } from "./store.ts";
import { TailRows, type TailRoom } from "./tail-rows.ts";
import type { UidSet } from "./uid-set.ts";
import { VanishedLog } from "./vanished-log.ts";

/** Chunks asked for in one read while a mailbox loads; between two reads others get their turn. */
const CHUNKS_PER_READ = 16;
/** Events taken in before others get their turn: one that changes the flags of a million takes 0.1 ms. */
const EVENTS_PER_TURN = 25;

/** Sets of flags that are kept beside one for each message: those that no message has any more would pile up. */
const FLAG_SETS_SPARE = 1_000;

/** What a message takes in the columns. */
const MESSAGE_BYTES = 16;

export class MailboxContents {
  /** Another one now and then. */
  flagSets: FlagSets = new FlagSets();
  readonly columns: MessageColumns = new MessageColumns(this.flagSets);
  readonly tail: TailRows;
  readonly vanished: VanishedLog;
  /** Hot chunks that differ from what is stored. */
  dirtyChunks: Set<number> = new Set();
  through: Cursor;
  readonly #at: MailboxAt;

  constructor(at: MailboxAt, { vanished, tail, through }: Pick<MailboxContents, "vanished" | "tail" | "through">) {
    this.#at = at;
    this.through = through;
    this.vanished = vanished;
    this.tail = tail;
  }

  /** All that it takes in memory but for the tail, as so many messages. */
  get messagesWorth(): number {
    return this.columns.count + Math.ceil((this.flagSets.bytes + this.vanished.bytes) / MESSAGE_BYTES);
  }

  apply(event: MailboxEvent): void {
    let uid = event.firstUid;
    for (const fact of event.facts) {
      if (fact.type === "appended") {
        if (fact.rows instanceof PackedRows) this.#appendPacked(uid, fact.rows, event);
        else this.#appendAll(uid, fact.rows, event);
        uid += fact.rows.length;
      } else if (fact.type === "flags") {
        this.#changeFlags(fact, event.cursor);
      } else if (fact.type === "expunged") {
        this.#expunge(fact.uids, event.cursor);
      }
    }
    if (this.flagSets.size > FLAG_SETS_SPARE + this.columns.count) this.#dropUnusedFlagSets();
    this.through = event.cursor;
    this.tail.settle(event.recordBytes);
  }

  #appendAll(first: Uid, rows: Iterable<AppendedRow>, event: MailboxEvent): void {
    let uid = first;
    for (const row of rows) {
      this.columns.append(uid, event.cursor, this.flagSets.intern(row.flags));
      this.dirtyChunks.add(Math.floor(uid / CHUNK_WIDTH.hot));
      this.tail.add(coldRow(this.#at, uid++, { row, event }), event.cursor);
    }
  }

  /** It is one turn of the event loop: no row is made, and the columns are written as a whole. */
  #appendPacked(first: Uid, rows: PackedRows, event: MailboxEvent): void {
    const { length } = rows;
    const numbers = rows.flags.map((flags) => this.flagSets.intern(flags));
    const uids = new Uint32Array(length);
    const flagNumbers = new Uint32Array(length);
    for (let row = 0; row < length; row++) {
      uids[row] = first + row;
      flagNumbers[row] = numbers[rows.flagNumbers[row] as number] as number;
    }
    this.columns.load(uids, new Float64Array(length).fill(event.cursor), flagNumbers);
    this.#markDirty([[first, first + length - 1]]);
    this.tail.addPacked(new PackedColdRows(this.#at, first, { rows, event }), event.cursor);
  }

  #changeFlags(fact: Extract<MailboxFact, { type: "flags" }>, cursor: Cursor): void {
    const numbers = new Map<number, number>();
    this.columns.changeFlags(fact.uids, cursor, (before) => {
      let after = numbers.get(before);
      if (after === undefined) numbers.set(before, (after = this.flagSets.changed(before, fact)));
      return after;
    });
    this.#markDirty(fact.uids);
  }

  #dropUnusedFlagSets(): void {
    const used = new FlagSets(this.flagSets.keywords());
    this.columns.renumberFlags(used);
    this.flagSets = used;
  }

  #expunge(uids: UidSet, cursor: Cursor): void {
    this.columns.remove(uids);
    this.vanished.add(cursor, uids);
    this.#markDirty(uids);
    this.tail.delete(uids);
  }

  #markDirty(uids: UidSet): void {
    for (const [first, last] of uids) {
      const end = Math.floor(last / CHUNK_WIDTH.hot);
      for (let chunk = Math.floor(first / CHUNK_WIDTH.hot); chunk <= end; chunk++) this.dirtyChunks.add(chunk);
    }
  }
}

export interface LoadOptions {
  /** As it is when it is asked for: a newer snapshot may have chunks that one before had not. */
  readonly head: () => MailboxHead;
  readonly limits: StoreLimits;
  readonly tailRoom: TailRoom;
}

/**
 * Reads a mailbox, as it is when it is asked for at least, from its newest snapshot and the log behind it; anew where either
 * was replaced meanwhile. What comes while it reads is not for it: of mail that came quickly it would find no end.
 */
export async function loadContents(driver: StoreDriver, at: MailboxAt, options: LoadOptions): Promise<MailboxContents> {
  const { modSeq: through } = options.head();
  for (;;) {
    const contents = await readSnapshot(driver, at, options);
    try {
      const stillThere = contents.through === (await driver.snapshotCursor(at.account, at.mailbox));
      if (stillThere && (await readTail(driver, at, { contents, through }))) return contents;
    } catch (error) {
      contents.tail.release();
      throw error;
    }
    contents.tail.release();
  }
}

async function readSnapshot(
  driver: StoreDriver,
  { account, mailbox }: MailboxAt,
  options: LoadOptions,
): Promise<MailboxContents> {
  const snapshot = await driver.snapshotCursor(account, mailbox);
  const [stored] = await driver.chunks(account, mailbox, { column: COLUMN.vanished, from: 0, to: 0 });
  const vanished = new VanishedLog(
    options.limits.vanishedRangesMax,
    stored === undefined ? undefined : decodeVanished(stored.data),
  );
  const tail = new TailRows(options.tailRoom, snapshot);
  const contents = new MailboxContents({ account, mailbox }, { vanished, tail, through: snapshot });
  const { uidNext, messages } = options.head();
  const lastChunk = Math.floor(uidNext / CHUNK_WIDTH.hot);
  contents.columns.reserve(messages);
  for (let from = 0; from <= lastChunk; from += CHUNKS_PER_READ) {
    const to = Math.min(lastChunk, from + CHUNKS_PER_READ - 1);
    for (const chunk of await driver.chunks(account, mailbox, { column: COLUMN.hot, from, to })) {
      decodeHotChunk(chunk.data, contents.columns, contents.flagSets);
    }
  }
  return contents;
}

/** Reads the log up to a cursor at least. False where it was cut behind what has been read of it. */
async function readTail(
  driver: StoreDriver,
  at: MailboxAt,
  { contents, through }: { readonly contents: MailboxContents; readonly through: Cursor },
): Promise<boolean> {
  while (contents.through < through) {
    const page = await readEvents(driver, at, contents.through);
    if (page === undefined) return false;
    for (const [i, event] of page.events.entries()) {
      if (i > 0 && i % EVENTS_PER_TURN === 0) await giveWay(driver);
      contents.apply(event);
    }
    if (!page.more) break;
  }
  return true;
}
