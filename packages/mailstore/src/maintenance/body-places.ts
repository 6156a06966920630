// Where the bodies of a store lie, as its segments were read: eight bytes each and a bit for "some message has it".
import type { BlobId } from "../ids.ts";
import { placeOf } from "../level/record.ts";

interface SegmentBodies {
  readonly offsets: number[];
  readonly lengths: number[];
  readonly used: Set<number>;
}

export class BodyPlaces {
  readonly #segments = new Map<number, SegmentBodies>();

  /** Offsets of a segment come ascending. */
  add(segment: number, offset: number, length: number): void {
    let bodies = this.#segments.get(segment);
    if (bodies === undefined) this.#segments.set(segment, (bodies = { offsets: [], lengths: [], used: new Set() }));
    bodies.offsets.push(offset);
    bodies.lengths.push(length);
  }

  /** The length of a body that lies there, which is marked as used. */
  use(place: BlobId): number | undefined {
    const { segment, offset } = placeOf(place);
    const bodies = this.#segments.get(segment);
    if (bodies === undefined) return undefined;
    let [low, high] = [0, bodies.offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bodies.offsets[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    if (bodies.offsets[low] !== offset) return undefined;
    bodies.used.add(low);
    return bodies.lengths[low];
  }

  hasSegment(segment: number): boolean {
    return this.#segments.has(segment);
  }

  totals(): { readonly bodies: number; readonly orphans: number; readonly orphanBytes: number } {
    let [bodies, orphans, orphanBytes] = [0, 0, 0];
    for (const { lengths, used } of this.#segments.values()) {
      bodies += lengths.length;
      lengths.forEach((length, i) => {
        if (used.has(i)) return;
        orphans++;
        orphanBytes += length;
      });
    }
    return { bodies, orphans, orphanBytes };
  }
}
