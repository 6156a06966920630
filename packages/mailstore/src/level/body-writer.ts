// Takes in bodies as they stream: small ones into memory, large ones straight into a segment of their own.
import type { StagedBlob } from "../driver.ts";
import type { BlobId } from "../ids.ts";
import { BodyBuffer } from "./body-buffer.ts";
import type { LevelLimits } from "./limits.ts";
import { PayloadChecksums } from "./payload-checksums.ts";
import {
  blobIdAt,
  encodeRecordHead,
  PAYLOAD_BYTES_MAX,
  placeOf,
  RECORD_HEAD_BYTES,
  SEGMENT_HEADER_BYTES,
} from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import { inlineBody, StagedBody, type StagedBodyOwner } from "./staged-body.ts";
import type { StepListener } from "./steps.ts";

export interface BodyWriterOptions {
  readonly segments: Segments;
  readonly limits: LevelLimits;
  readonly onStep: StepListener;
}

export class BodyWriter implements StagedBodyOwner {
  readonly #options: BodyWriterOptions;
  #inlineBytes = 0;
  /** While bodies are counted for compaction: those that transactions have named since. */
  namedSince: Set<BlobId> | undefined;

  constructor(options: BodyWriterOptions) {
    this.#options = options;
  }

  async stage(body: AsyncIterable<Uint8Array>): Promise<StagedBlob> {
    const { inlineBodyBytesMax, stagedBytesMax } = this.#options.limits;
    const buffer = new BodyBuffer();
    let own: OwnSegment | undefined;
    try {
      for await (const piece of body) {
        if (own !== undefined) {
          await own.write(piece);
          continue;
        }
        buffer.append(piece);
        this.#inlineBytes += piece.length;
        if (buffer.length <= inlineBodyBytesMax && this.#inlineBytes <= stagedBytesMax) continue;
        own = await OwnSegment.create(this.#options);
        this.#inlineBytes -= buffer.length;
        for (const gathered of buffer.take()) await own.write(gathered);
      }
      if (own !== undefined) {
        const place = await own.finish();
        return new StagedBody(this, own.length, place);
      }
    } catch (error) {
      this.#inlineBytes -= buffer.length;
      // What cannot be removed now, the next start removes.
      await own?.remove().catch(() => undefined);
      throw error;
    }
    const inline = inlineBody(buffer.take());
    return new StagedBody(this, inline.length, inline);
  }

  inlineReleased(sizeBytes: number): void {
    this.#inlineBytes -= sizeBytes;
  }

  async ownSegmentReleased(blob: BlobId): Promise<void> {
    await this.#options.segments.remove(placeOf(blob).segment);
  }

  naming(blob: BlobId): void {
    this.namedSince?.add(blob);
  }

  named(blob: BlobId): void {
    this.#options.segments.staged.delete(placeOf(blob).segment);
    this.namedSince?.add(blob);
  }
}

/** A segment that holds one body. Its record gets its head last, so that a body cut short never verifies. */
class OwnSegment {
  readonly #options: BodyWriterOptions;
  readonly #lease: SegmentLease;
  readonly #buffer = new BodyBuffer();
  readonly #checksums = new PayloadChecksums();
  /** What the last sync that has begun is of. */
  #syncedLength = 0;
  #syncing: Promise<void> = Promise.resolve();

  private constructor(options: BodyWriterOptions, lease: SegmentLease) {
    this.#options = options;
    this.#lease = lease;
  }

  static async create(options: BodyWriterOptions): Promise<OwnSegment> {
    const lease = await options.segments.create("body", { number: 0, end: 0 });
    options.onStep("stage:created");
    return new OwnSegment(options, lease);
  }

  get length(): number {
    return this.#checksums.length;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#buffer.append(piece);
    const { readBytesMax, unsyncedBodyBytesMax } = this.#options.limits;
    if (this.#buffer.length < readBytesMax) return;
    await this.#flush();
    if (this.length - this.#syncedLength >= unsyncedBodyBytesMax) await this.#beginSync();
  }

  async finish(): Promise<BlobId> {
    await this.#flush();
    await this.#syncing;
    const { file, header: segment } = this.#lease;
    const offset = SEGMENT_HEADER_BYTES;
    const { length, checksum, firstChecksum } = this.#checksums;
    const head = { type: "blob", length, groupStart: offset, checksum, firstChecksum } as const;
    await file.write(offset, [encodeRecordHead(head, { segment, offset })]);
    this.#options.onStep("stage:written");
    await file.sync();
    this.#options.onStep("stage:synced");
    this.#lease.release();
    return blobIdAt(segment.number, offset);
  }

  async remove(): Promise<void> {
    await this.#syncing.catch(() => undefined);
    this.#lease.release();
    await this.#options.segments.remove(this.#lease.header.number);
  }

  async #flush(): Promise<void> {
    const { length: bytes } = this.#buffer;
    if (bytes === 0) return;
    if (this.length + bytes > PAYLOAD_BYTES_MAX) throw new RangeError("a body larger than 4 GiB");
    const pieces = this.#buffer.take();
    await this.#lease.file.write(SEGMENT_HEADER_BYTES + RECORD_HEAD_BYTES + this.length, pieces);
    for (const piece of pieces) this.#checksums.add(piece);
  }

  /** The disk takes the body as it comes: at its end all of it would stand before the syncs of small mails. */
  async #beginSync(): Promise<void> {
    // A failure is reported once: it is this body's, whatever later syncs say.
    await this.#syncing;
    this.#syncedLength = this.length;
    this.#syncing = this.#lease.file.sync();
    this.#syncing.catch(() => undefined);
  }
}
