// Which bodies are in use, by segment: four bytes a body, however many messages refer to it.
import type { BlobId } from "../ids.ts";
import { lowerBound } from "../uid-set.ts";
import { blobIdAt, placeOf } from "./record.ts";

/** So many are sorted at once: what holds up nobody. */
const ADDED_MAX = 4_096;

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
  /** The first `#length` are ascending, each once. */
  #offsets = new Uint32Array(64);
  #length = 0;
  /** Those that came since, in any order, none of which is among them. */
  #added: number[] = [];
  /** Where the last one was found: most messages refer to the body behind that of the message before. */
  #found = -1;

  add(offset: number): void {
    if (this.#includes(offset)) return;
    this.#added.push(offset);
    if (this.#added.length === ADDED_MAX) this.#merge();
  }

  has(offset: number): boolean {
    this.#merge();
    return this.#includes(offset);
  }

  sorted(): Uint32Array {
    this.#merge();
    return this.#offsets.subarray(0, this.#length);
  }

  #includes(offset: number): boolean {
    const isNext = this.#found + 1 < this.#length && this.#offsets[this.#found + 1] === offset;
    const at = isNext ? this.#found + 1 : lowerBound(this.#offsets, this.#length, offset);
    if (at === this.#length || this.#offsets[at] !== offset) return false;
    this.#found = at;
    return true;
  }

  /** From the last one down, so that it needs no other array. */
  #merge(): void {
    if (this.#added.length === 0) return;
    const added = Uint32Array.from(new Set(this.#added)).sort();
    this.#added = [];
    let from = this.#length - 1;
    this.#length += added.length;
    this.#reserve(this.#length);
    const offsets = this.#offsets;
    for (let to = this.#length - 1, next = added.length - 1; next >= 0; to--) {
      const isAdded = from < 0 || (offsets[from] as number) < (added[next] as number);
      offsets[to] = (isAdded ? added[next--] : offsets[from--]) as number;
    }
  }

  #reserve(length: number): void {
    if (length <= this.#offsets.length) return;
    const grown = new Uint32Array(Math.max(length, 2 * this.#offsets.length));
    grown.set(this.#offsets);
    this.#offsets = grown;
  }
}
