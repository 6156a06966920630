// Takes in bodies as they stream: small ones into memory, large ones straight into a segment of their own.
import { crc32 } from "node:zlib";
import type { StagedBlob } from "../driver.ts";
import type { BlobId } from "../ids.ts";
import { BodyBuffer } from "./body-buffer.ts";
import type { LevelLimits } from "./limits.ts";
import {
  blobIdAt,
  encodeRecordHead,
  FIRST_BLOCK_BYTES,
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
        await own.write(buffer.take());
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
    const bytes = buffer.take();
    return new StagedBody(this, bytes.length, inlineBody(bytes));
  }

  inlineReleased(sizeBytes: number): void {
    this.#inlineBytes -= sizeBytes;
  }

  async ownSegmentReleased(blob: BlobId): Promise<void> {
    const { segment } = placeOf(blob);
    await this.#options.segments.remove(segment);
    this.#options.segments.staged.delete(segment);
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
  #checksum = 0;
  #firstChecksum = 0;
  length = 0;

  private constructor(options: BodyWriterOptions, lease: SegmentLease) {
    this.#options = options;
    this.#lease = lease;
  }

  static async create(options: BodyWriterOptions): Promise<OwnSegment> {
    const lease = await options.segments.create("body", { number: 0, end: 0 });
    options.segments.staged.add(lease.header.number);
    options.onStep("stage:created");
    return new OwnSegment(options, lease);
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#buffer.append(piece);
    if (this.#buffer.length >= this.#options.limits.readBytesMax) await this.#flush();
  }

  async finish(): Promise<BlobId> {
    await this.#flush();
    const { file, header: segment } = this.#lease;
    const offset = SEGMENT_HEADER_BYTES;
    const { length } = this;
    const checksums = { checksum: this.#checksum, firstChecksum: this.#firstChecksum };
    const head = { type: "blob", length, groupStart: offset, ...checksums } as const;
    await file.write(offset, [encodeRecordHead(head, { segment, offset })]);
    this.#options.onStep("stage:written");
    await file.sync();
    this.#options.onStep("stage:synced");
    this.#lease.release();
    return blobIdAt(segment.number, offset);
  }

  async remove(): Promise<void> {
    this.#lease.release();
    await this.#options.segments.remove(this.#lease.header.number);
    this.#options.segments.staged.delete(this.#lease.header.number);
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.take();
    // The checksum of no bytes is 0, whatever it goes on from.
    if (bytes.length === 0) return;
    if (this.length + bytes.length > PAYLOAD_BYTES_MAX) throw new RangeError("a body larger than 4 GiB");
    await this.#lease.file.write(SEGMENT_HEADER_BYTES + RECORD_HEAD_BYTES + this.length, [bytes]);
    this.#checksum = crc32(bytes, this.#checksum);
    if (this.length < FIRST_BLOCK_BYTES) {
      this.#firstChecksum = crc32(bytes.subarray(0, FIRST_BLOCK_BYTES - this.length), this.#firstChecksum);
    }
    this.length += bytes.length;
  }
}
