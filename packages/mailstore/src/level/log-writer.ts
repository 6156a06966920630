// Appends groups to the newest log segment: one contiguous write and one sync each.
// After a failed write or sync nothing more goes into that segment: the next one's header says where it validly ends.
import type { LevelLimits } from "./limits.ts";
import { RECORD_HEAD_BYTES, SEGMENT_HEADER_BYTES, type SegmentHeader } from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import type { StepListener } from "./steps.ts";

const ZEROS = Buffer.alloc(256 * 1024);

/** A place in the log: everything before it is valid. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

export class LogWriter {
  readonly #segments: Segments;
  readonly #limits: LevelLimits;
  readonly #onStep: StepListener;
  #lease: SegmentLease;
  #end: number;
  /** Up to here the file has its blocks, so that a sync carries no change of its size. */
  #filledEnd: number;
  #abandoned: boolean;
  #filling: Promise<void> | undefined;
  #fillFault: Error | undefined;
  #fillBytes: number;
  /** Bytes written since the driver took its last checkpoint. */
  bytesSinceCheckpoint = 0;

  private constructor(
    { segments, limits, onStep }: LogWriterOptions,
    lease: SegmentLease,
    state: { readonly end: number; readonly size: number; readonly abandoned: boolean },
  ) {
    this.#segments = segments;
    this.#limits = limits;
    this.#onStep = onStep;
    this.#lease = lease;
    this.#end = state.end;
    this.#filledEnd = Math.max(state.size, state.end);
    this.#abandoned = state.abandoned;
    this.#fillBytes = limits.zeroFillBytesMin;
  }

  /** Goes on where the log ends; `abandoned` where something that must never be read lies behind that end. */
  static async resume(
    options: LogWriterOptions,
    end: LogPosition | undefined,
    { abandoned }: { readonly abandoned: boolean },
  ): Promise<LogWriter> {
    if (end === undefined) {
      const lease = await options.segments.create("log", { number: 0, end: 0 });
      return new LogWriter(options, lease, { end: SEGMENT_HEADER_BYTES, size: 0, abandoned: false });
    }
    const lease = await options.segments.resume(end.segment);
    if (lease === undefined) throw new Error(`the log's last segment is missing: ${end.segment}`);
    return new LogWriter(options, lease, { end: end.offset, size: await lease.file.size(), abandoned });
  }

  /** The segment that the next group goes to. */
  get segment(): SegmentHeader {
    return this.#lease.header;
  }

  /** Where the next group begins. */
  get end(): LogPosition {
    return { segment: this.#lease.header.number, offset: this.#end };
  }

  /** Makes room for a group of at most `bytes`, in a new segment where need be. */
  async prepare(bytes: number): Promise<void> {
    const full = this.#end + bytes > this.#limits.segmentBytesMax && this.#end > SEGMENT_HEADER_BYTES;
    if (full || this.#abandoned) await this.#roll();
  }

  /**
   * Durable when it resolves. When it rejects, what got written is read again only where it could not be struck out either
   * and the process ends before the next segment begins: then nothing has been committed after it.
   */
  async append(pieces: readonly Uint8Array[], bytes: number): Promise<void> {
    if (this.#end + bytes > this.#filledEnd) await this.#filling;
    try {
      await this.#lease.file.write(this.#end, pieces);
      this.#onStep("commit:written");
      await this.#lease.file.sync();
      if (this.#fillFault !== undefined) throw this.#fillFault;
    } catch (error) {
      this.#abandoned = true;
      await this.#strikeOut();
      throw error;
    }
    this.#onStep("commit:synced");
    this.#end += bytes;
    this.#filledEnd = Math.max(this.#filledEnd, this.#end);
    this.bytesSinceCheckpoint += bytes;
    const { zeroFillGroupBytesMax, zeroFillBytesMin } = this.#limits;
    // Large ones soon use up what is filled, and small ones between them would wait for the sync of it each time.
    if (bytes > zeroFillBytesMin) this.#fillBytes = Math.min(this.#fillBytes, zeroFillBytesMin);
    if (bytes <= zeroFillGroupBytesMax) this.#fillAhead();
  }

  /** Ends the use of the log; what was abandoned is cut off for good. */
  async close(): Promise<void> {
    await this.#filling;
    if (this.#abandoned) await this.#roll();
    this.#lease.release();
  }

  /** A group that is refused may be whole in the file, and large bodies that it names are removed now: it must not count. */
  async #strikeOut(): Promise<void> {
    const { file } = this.#lease;
    try {
      await file.write(this.#end, [ZEROS.subarray(0, RECORD_HEAD_BYTES)]);
      await file.sync();
    } catch {
      // The next segment's header says where this one ends.
    }
  }

  async #roll(): Promise<void> {
    await this.#filling;
    const previous = this.#lease;
    // Even one that cannot be made may leave its header, and with it the word that the log ends here.
    this.#abandoned = true;
    const next = await this.#segments.create("log", { number: previous.header.number, end: this.#end });
    const size = await next.file.size();
    this.#lease = next;
    this.#end = SEGMENT_HEADER_BYTES;
    this.#filledEnd = Math.max(SEGMENT_HEADER_BYTES, size);
    this.#fillBytes = Math.max(this.#fillBytes, this.#limits.zeroFillBytesMin);
    this.#fillFault = undefined;
    this.#abandoned = false;
    previous.release();
    this.#onStep("segment:created");
  }

  #fillAhead(): void {
    const from = this.#filledEnd;
    const bytes = Math.min(this.#fillBytes, this.#limits.segmentBytesMax - from);
    if (this.#filling !== undefined || bytes <= 0 || from - this.#end > this.#fillBytes / 2) return;
    this.#fillBytes = Math.min(this.#fillBytes * 2, this.#limits.zeroFillBytesMax);
    this.#filling = this.#fill(from, bytes).finally(() => {
      this.#filling = undefined;
    });
  }

  /** Only a help: where there is no space, a commit that needs it will tell. */
  async #fill(from: number, bytes: number): Promise<void> {
    const file = this.#lease.file;
    try {
      for (let at = 0; at < bytes; at += ZEROS.length) {
        await file.write(from + at, [ZEROS.subarray(0, bytes - at)]);
      }
    } catch {
      this.#fillBytes = 0;
      return;
    }
    try {
      await file.sync();
      this.#filledEnd = from + bytes;
    } catch (error) {
      // The system reports a failure once: it may have been that of a group being written.
      this.#fillFault = error as Error;
      this.#abandoned = true;
    }
  }
}

export interface LogWriterOptions {
  readonly segments: Segments;
  readonly limits: LevelLimits;
  readonly onStep: StepListener;
}
