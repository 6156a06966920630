// Reads and trims the log of an account, and keeps the snapshots of its mailboxes.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { Chunk, LogPage, LogRecord, Snapshot } from "../driver.ts";
import { isMailbox, cursor, type AccountId, type Cursor, type MailboxId } from "../ids.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { DriverLog } from "./driver-log.ts";
import { stateOf, type HeadCache, type HeadState } from "./heads.ts";
import type { KeyIndex, Operation } from "./key-index.ts";
import {
  chunkKey,
  chunkNumberOf,
  chunkRange,
  DELETIONS,
  floorKey,
  mailboxRecordRange,
  parseLogKey,
  recordKey,
  recordRange,
  snapshotCursorKey,
} from "./keys.ts";
import type { LevelLimits } from "./limits.ts";
import { decodeDeleted, decodeLogRecord } from "./log-records.ts";
import type { StepListener } from "./steps.ts";

export interface MailboxLogOptions {
  readonly index: KeyIndex;
  readonly heads: HeadCache;
  readonly checkpoints: Checkpoints;
  readonly limits: LevelLimits;
  readonly log: DriverLog;
  readonly onStep: StepListener;
}

export class MailboxLog {
  readonly #options: MailboxLogOptions;

  constructor(options: MailboxLogOptions) {
    this.#options = options;
  }

  async page(
    account: AccountId,
    after: Cursor,
    { mailbox, limit }: { readonly mailbox?: MailboxId; readonly limit: number },
  ): Promise<LogPage> {
    const { index, log } = this.#options;
    await index.settled();
    const { entries, lost } =
      mailbox === undefined
        ? await this.#records(account, { after, limit })
        : await this.#recordsOf(account, mailbox, { after, limit });
    // Read last: what a trim took away meanwhile must not look like a log without gaps.
    const floor = await this.#floor(account);
    if (after < floor) return { floor, records: [] };
    // Passed over: what came behind them is there.
    if (lost > 0) log.warn({ account, mailbox, after, lost }, "the index is damaged: changes are lost");
    return { floor, records: entries.map(([key, value]) => recordOf(key, value)) };
  }

  async chunks(
    account: AccountId,
    mailbox: MailboxId,
    { column, from, to }: { readonly column: number; readonly from: number; readonly to: number },
  ): Promise<Chunk[]> {
    const { index } = this.#options;
    await index.readable();
    if (from === to) {
      // A range would go to LevelDB's thread and back three times. What is read is kept decoded, and would fill the cache.
      const [data] = await index.getMany([chunkKey(account, mailbox, [column, from])], { fillCache: false });
      return data === undefined ? [] : [{ column, number: from, data }];
    }
    const entries = await index.entries(chunkRange(account, mailbox, { column, from, to }));
    return entries.map(([key, data]) => ({ column, number: chunkNumberOf(key), data }));
  }

  /** At least the floor: what a mailbox' snapshot does not hold lies behind it, and be that all there is. */
  async snapshotCursor(account: AccountId, mailbox: MailboxId): Promise<Cursor> {
    await this.#options.index.readable();
    const stored = await this.#storedCursor(account, mailbox);
    return cursor(Math.max(stored, await this.#floor(account)));
  }

  async saveSnapshot({ account, mailbox, cursor: at, chunks }: Snapshot): Promise<boolean> {
    const { index, heads, checkpoints, onStep } = this.#options;
    const head = heads.pin(account);
    try {
      await head.loading;
      await index.settled();
      await index.writable();
      return await index.turn(async () => {
        // Deleted: its chunks are removed, in a turn before this one or in one to come.
        if (!stateOf(head).mailboxes.has(mailbox)) return false;
        if ((await this.#storedCursor(account, mailbox)) >= at) return false;
        const operations: Operation[] = [{ key: snapshotCursorKey(account, mailbox), value: encodeCursor(at) }];
        for (const { column, number, data } of chunks) {
          operations.push({ key: chunkKey(account, mailbox, [column, number]), value: data });
        }
        await index.apply(operations);
        checkpoints.owe(account);
        onStep("snapshot:saved");
        return true;
      });
    } finally {
      heads.release(head);
    }
  }

  /**
   * Removes records that snapshots have made needless. A power cut may take what the index was not told to sync, in any
   * order; so the snapshots are durable before the floor is, and the floor before any record goes.
   */
  async trim(account: AccountId, floor: Cursor): Promise<readonly MailboxId[]> {
    const { index, heads, checkpoints, onStep } = this.#options;
    const head = heads.pin(account);
    try {
      await head.loading;
      await index.settled();
      await index.writable();
      const state = stateOf(head);
      if (floor > state.counters.cursor) throw new RangeError(`the log of account ${account} ends before ${floor}`);
      if (floor <= (await this.#floor(account))) return [];
      const lacking = await this.#lackingSnapshots(account, floor, touchedSince(state, state.trimmedTo));
      if (lacking.length > 0) return lacking;
      if (checkpoints.owes(account)) await checkpoints.take();
      await index.turn(async () => {
        // Another trim may have come first, and gone further.
        if (floor <= (await this.#floor(account))) return;
        await index.apply([{ key: floorKey(account), value: encodeCursor(floor) }], { sync: true });
      });
      onStep("trim:floor");
      await this.#remove(account, state, floor);
      onStep("trim:removed");
      return [];
    } finally {
      heads.release(head);
    }
  }

  /** By ranges, within LevelDB: read here, records were removed no faster than a quick sender brings them. */
  async #remove(account: AccountId, state: HeadState, floor: Cursor): Promise<void> {
    const { index } = this.#options;
    const after = state.trimmedTo;
    const deletions = mailboxRecordRange(account, DELETIONS, after, floor);
    for (const mailbox of (await index.entries(deletions)).flatMap(([, value]) => decodeDeleted(value))) {
      // From the first one on: an earlier trim passed by the mailbox if it was deleted by then, behind its floor.
      await index.clear(mailboxRecordRange(account, mailbox, cursor(0), floor));
    }
    for (const mailbox of touchedSince(state, after)) {
      await index.clear(mailboxRecordRange(account, mailbox, after, floor));
    }
    await index.clear(deletions);
    await index.clear(recordRange(account, after, floor));
    if (floor > state.trimmedTo) state.trimmedTo = floor;
  }

  /** Those that need records up to a floor to be read in. */
  async #lackingSnapshots(
    account: AccountId,
    floor: Cursor,
    mailboxes: readonly MailboxId[],
  ): Promise<readonly MailboxId[]> {
    const { index } = this.#options;
    const lacking: MailboxId[] = [];
    for (const mailbox of mailboxes.filter(isMailbox)) {
      const snapshot = await this.#storedCursor(account, mailbox);
      const [next] = await index.keys(mailboxRecordRange(account, mailbox, snapshot), 1);
      if (next !== undefined && cursorOf(next) <= floor) lacking.push(mailbox);
    }
    return lacking;
  }

  async #floor(account: AccountId): Promise<Cursor> {
    return decodeCursor(await this.#options.index.get(floorKey(account)));
  }

  async #storedCursor(account: AccountId, mailbox: MailboxId): Promise<Cursor> {
    return decodeCursor(await this.#options.index.get(snapshotCursorKey(account, mailbox)));
  }

  async #records(account: AccountId, { after, limit }: Behind): Promise<ReadRecords> {
    const entries = await this.#options.index.entries(recordRange(account, after), limit);
    const last = entries.at(-1);
    // Law 2: they are numbered without a gap.
    return { entries, lost: last === undefined ? 0 : cursorOf(last[0]) - after - entries.length };
  }

  /** Fewer than asked for are the last ones, whatever is lost before them. */
  async #recordsOf(account: AccountId, mailbox: MailboxId, { after, limit }: Behind): Promise<ReadRecords> {
    const { index } = this.#options;
    const entries: [Buffer, Buffer][] = [];
    let lost = 0;
    for (let from = after; entries.length < limit;) {
      const wanted = limit - entries.length;
      const names = await index.keys(mailboxRecordRange(account, mailbox, from), wanted);
      const keys = names.map((name) => recordKey(account, cursorOf(name)));
      for (const [i, value] of (await index.getMany(keys)).entries()) {
        if (value === undefined) lost++;
        else entries.push([keys[i] as Buffer, value]);
      }
      const last = names.at(-1);
      if (last === undefined || names.length < wanted) break;
      from = cursorOf(last);
    }
    return { entries, lost };
  }
}

/** Which records are wanted. */
interface Behind {
  readonly after: Cursor;
  readonly limit: number;
}

interface ReadRecords {
  readonly entries: readonly [Buffer, Buffer][];
  /** How many are missing among them. */
  readonly lost: number;
}

/** Of a key of the log. */
function cursorOf(key: Buffer): Cursor {
  return parseLogKey(key)?.cursor as Cursor;
}

function recordOf(key: Buffer, value: Buffer): LogRecord {
  const { account, cursor: at } = parseLogKey(key) as NonNullable<ReturnType<typeof parseLogKey>>;
  return decodeLogRecord(account, at, value);
}

/** The mailboxes that have records behind a cursor. */
function touchedSince({ mailboxes }: HeadState, after: Cursor): MailboxId[] {
  return [...mailboxes.values()].filter(({ modSeq }) => modSeq > after).map(({ mailbox }) => mailbox);
}

function encodeCursor(value: Cursor): Buffer {
  return new ByteWriter().integer(value).finish();
}

export function decodeCursor(value: Buffer | undefined): Cursor {
  return cursor(value === undefined ? 0 : new ByteReader(value).integer());
}
