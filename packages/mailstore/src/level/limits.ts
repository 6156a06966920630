// Every bound of the level driver, named. Tests pass smaller ones.
import { checkLimits } from "../check-limits.ts";
import { RECORD_OFFSET_MAX } from "./record.ts";

export interface LevelLimits {
  /** Size at which a log segment is closed and the next begun; at most `RECORD_OFFSET_MAX`. */
  readonly segmentBytesMax: number;
  /** Bodies larger than this get a file of their own while they stream in. */
  readonly inlineBodyBytesMax: number;
  /** Bytes of such a body after which a sync begins: small mails' syncs wait for what others have not synced. */
  readonly unsyncedBodyBytesMax: number;
  /** Staged bodies held in memory, together; beyond, even small ones get a file of their own. */
  readonly stagedBytesMax: number;
  /** Bytes of one group commit, unless a single request is larger; at most `REQUEST_BYTES_MAX`. */
  readonly groupBytesMax: number;
  /** Requests of one group commit: deciding them holds the event loop. */
  readonly groupRequestsMax: number;
  /** Space zero-filled ahead of the write position: the first step, doubled up to the last. 0 fills nothing. */
  readonly zeroFillBytesMin: number;
  readonly zeroFillBytesMax: number;
  /** Space is filled ahead while groups are not larger: behind larger ones it costs more than it saves. */
  readonly zeroFillGroupBytesMax: number;
  /** Log written between two checkpoints: what an open after a crash has to read. */
  readonly checkpointBytes: number;
  /** Freed log segments kept for the next ones, so that their blocks need not be allocated again. */
  readonly spareSegmentsMax: number;
  /** Segment files kept open for reading. */
  readonly openSegmentsMax: number;
  /** Accounts whose heads are kept in memory. */
  readonly cachedAccountsMax: number;
  /** Names of the directory (accounts, addresses) kept in memory; one with a longer value counts as several. */
  readonly cachedNamesMax: number;
  readonly cachedNameBytesMax: number;
  /** Commits that a sweep can tell from memory; an older cursor gets every account. */
  readonly touchedMax: number;
  /** Bytes of one piece of a body that is read, or written to a file of its own. */
  readonly readBytesMax: number;
  /** Bytes between two bodies that are read along, so that both come with one read. */
  readonly readGapBytesMax: number;
  /** Callers whose bodies are read at a time, each some at once: the others hold no memory for them, and no thread. */
  readonly rangeReadsAtOnce: number;
  /** Bodies that were read whole and found sound, noted so that their parts need no check. */
  readonly checkedBodiesMax: number;
  /** Bytes of bodies that compaction copies in one commit. */
  readonly compactBytesMax: number;
  /** Index entries, or references, handled before the event loop gets its turn. */
  readonly sliceEntriesMax: number;
  /** How long a transaction's id is remembered at least. */
  readonly transactionIdKeptMs: number;
  /** The same trouble with the storage is told in the log again only after so long. */
  readonly troubleLogMs: number;
  /** LevelDB's memtable. */
  readonly writeBufferBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** What a single request may write to the log: every body must begin within a segment. */
export const REQUEST_BYTES_MAX: number = RECORD_OFFSET_MAX - MIB;

/** For a store on disk. */
export const LEVEL_LIMITS: LevelLimits = {
  segmentBytesMax: 128 * MIB,
  inlineBodyBytesMax: MIB,
  unsyncedBodyBytesMax: MIB,
  stagedBytesMax: 64 * MIB,
  groupBytesMax: 8 * MIB,
  groupRequestsMax: 512,
  zeroFillBytesMin: 256 * KIB,
  zeroFillBytesMax: 4 * MIB,
  zeroFillGroupBytesMax: 64 * KIB,
  checkpointBytes: 64 * MIB,
  spareSegmentsMax: 1,
  openSegmentsMax: 64,
  cachedAccountsMax: 10_000,
  cachedNamesMax: 20_000,
  cachedNameBytesMax: 4 * KIB,
  touchedMax: 65_536,
  readBytesMax: 256 * KIB,
  readGapBytesMax: 32 * KIB,
  rangeReadsAtOnce: 4,
  checkedBodiesMax: 65_536,
  compactBytesMax: MIB,
  sliceEntriesMax: 1_000,
  transactionIdKeptMs: 7 * 24 * 60 * 60 * 1000,
  troubleLogMs: 60 * 1000,
  writeBufferBytes: 16 * MIB,
};

/** For a store in memory: small segments, so that compaction frees memory early; nothing is filled ahead. */
export const MEMORY_LIMITS: LevelLimits = {
  ...LEVEL_LIMITS,
  segmentBytesMax: 8 * MIB,
  zeroFillBytesMin: 0,
  zeroFillBytesMax: 0,
  spareSegmentsMax: 0,
};

/** Those that may be 0: nothing is filled ahead, no file is kept. */
export const LEVEL_ZEROS: readonly (keyof LevelLimits)[] = [
  "zeroFillBytesMin",
  "zeroFillBytesMax",
  "zeroFillGroupBytesMax",
  "spareSegmentsMax",
];

/** Throws where a limit makes no sense, or is beyond what the format of the files allows. */
export function checkLevelLimits(limits: LevelLimits): void {
  checkLimits(limits, LEVEL_ZEROS);
  const { segmentBytesMax, groupBytesMax } = limits;
  if (segmentBytesMax > RECORD_OFFSET_MAX) throw new RangeError(`segmentBytesMax is above ${RECORD_OFFSET_MAX}`);
  if (groupBytesMax > REQUEST_BYTES_MAX) throw new RangeError(`groupBytesMax is above ${REQUEST_BYTES_MAX}`);
}
