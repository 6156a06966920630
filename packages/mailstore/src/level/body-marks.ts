// Which bodies are in use, by segment: four bytes a reference, doubles dropped as they pile up.
import type { BlobId } from "../ids.ts";
import { blobIdAt, placeOf } from "./record.ts";

const FIRST_SORT_AT = 4_096;

/** A living body: where it lies, and the id under which it is known. */
export interface LiveBody {
  readonly place: BlobId;
  readonly blob: BlobId;
}

export class BodyMarks {
  readonly #segments = new Map<number, OffsetSet>();
  /** Bodies that compaction brought here before: place and id by turns. */
  readonly #moved = new Map<number, BlobId[]>();

  add(blob: BlobId): void {
    const { segment, offset } = placeOf(blob);
    let set = this.#segments.get(segment);
    if (set === undefined) this.#segments.set(segment, (set = new OffsetSet()));
    set.add(offset);
  }

  addMoved({ place, blob }: LiveBody): void {
    const { segment } = placeOf(place);
    const known = this.#moved.get(segment);
    if (known === undefined) this.#moved.set(segment, [place, blob]);
    else known.push(place, blob);
  }

  has(blob: BlobId): boolean {
    const { segment, offset } = placeOf(blob);
    return this.#segments.get(segment)?.has(offset) ?? false;
  }

  /** Whether any body of a segment is in use. */
  hasAnyIn(segment: number): boolean {
    return this.#segments.has(segment) || this.#moved.has(segment);
  }

  /** The bodies of a segment that are in use. */
  in(segment: number): LiveBody[] {
    const live = Array.from(this.#segments.get(segment)?.sorted() ?? [], (offset): LiveBody => {
      const blob = blobIdAt(segment, offset);
      return { place: blob, blob };
    });
    const moved = this.#moved.get(segment) ?? [];
    for (let i = 0; i < moved.length; i += 2) {
      live.push({ place: moved[i] as BlobId, blob: moved[i + 1] as BlobId });
    }
    return live;
  }
}

class OffsetSet {
  #offsets = new Uint32Array(64);
  #length = 0;
  #sortAt = FIRST_SORT_AT;
  #isSorted = true;

  add(offset: number): void {
    if (this.#length === this.#offsets.length) this.#grow();
    this.#offsets[this.#length++] = offset;
    this.#isSorted = false;
  }

  has(offset: number): boolean {
    const sorted = this.sorted();
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return sorted[low] === offset;
  }

  sorted(): Uint32Array {
    const used = this.#offsets.subarray(0, this.#length);
    if (this.#isSorted) return used;
    used.sort();
    let kept = 0;
    for (let i = 0; i < used.length; i++) if (i === 0 || used[i] !== used[i - 1]) used[kept++] = used[i] as number;
    this.#length = kept;
    this.#isSorted = true;
    return used.subarray(0, kept);
  }

  #grow(): void {
    if (this.#length >= this.#sortAt) this.#sortAt = Math.max(FIRST_SORT_AT, 2 * this.sorted().length);
    if (this.#length < this.#offsets.length) return;
    const grown = new Uint32Array(2 * this.#offsets.length);
    grown.set(this.#offsets);
    this.#offsets = grown;
  }
}
