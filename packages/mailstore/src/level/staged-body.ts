// A body between `stage` and the transaction that names it: in memory, or in a segment of its own.
import type { StagedBlob } from "../driver.ts";
import type { BlobId } from "../ids.ts";
import { PayloadChecksums } from "./payload-checksums.ts";

/** A body that a group writes into the log. */
export interface InlineBody {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
  /** CRC-32 of the bytes, and of the first of them. */
  readonly checksum: number;
  readonly firstChecksum: number;
}

export function inlineBody(pieces: readonly Uint8Array[]): InlineBody {
  const checksums = new PayloadChecksums();
  for (const piece of pieces) checksums.add(piece);
  const { length, checksum, firstChecksum } = checksums;
  return { pieces, length, checksum, firstChecksum };
}

/** Who is told what becomes of a staged body. */
export interface StagedBodyOwner {
  /** It is no longer in memory. */
  inlineReleased(sizeBytes: number): void;
  /** Nobody will name it: its own segment goes. */
  ownSegmentReleased(blob: BlobId): Promise<void>;
  /** A transaction that is about to commit names a body that lies in a segment. */
  naming(blob: BlobId): void;
  /** A durable transaction names it. */
  named(blob: BlobId): void;
}

export class StagedBody implements StagedBlob {
  readonly sizeBytes: number;
  readonly #owner: StagedBodyOwner;
  #inline: InlineBody | undefined;
  #place: BlobId | undefined;
  #state: "held" | "named" | "released" = "held";
  #discarded = false;
  #uses = 0;

  constructor(owner: StagedBodyOwner, sizeBytes: number, content: InlineBody | BlobId) {
    this.#owner = owner;
    this.sizeBytes = sizeBytes;
    if (typeof content === "object") this.#inline = content;
    else this.#place = content;
  }

  /** Where it lies; undefined as long as it is in memory alone. */
  get place(): BlobId | undefined {
    return this.#place;
  }

  get inline(): InlineBody {
    if (this.#inline === undefined) throw new Error("the staged body is not in memory");
    return this.#inline;
  }

  /** Whether a commit may name it. */
  get usable(): boolean {
    return this.#state !== "released";
  }

  /** A commit that names it begins; a discard waits for its end. */
  use(): void {
    this.#uses++;
    if (this.#place !== undefined) this.#owner.naming(this.#place);
  }

  /** The commit has ended: durable with the body at `place`, or without effect. */
  endUse(place: BlobId | undefined): void {
    this.#uses--;
    if (place !== undefined) {
      this.#place = place;
      this.#state = "named";
      this.#owner.named(place);
      this.#releaseInline();
    }
    // What cannot be removed now, the next start removes.
    this.#letGo().catch(() => undefined);
  }

  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    if (!this.#discarded || this.#state !== "held" || this.#uses > 0) return;
    this.#state = "released";
    this.#releaseInline();
    if (this.#place !== undefined) await this.#owner.ownSegmentReleased(this.#place);
  }

  #releaseInline(): void {
    if (this.#inline === undefined) return;
    this.#inline = undefined;
    this.#owner.inlineReleased(this.sizeBytes);
  }
}
