// Whether bytes of a body may be given out: a part is checked by the first block's checksum, or because the whole body
// was checked before, once in the life of the process.
import { crc32 } from "node:zlib";
import { SharedRoom } from "../shared-room.ts";
import { FIRST_BLOCK_BYTES, type RecordHead } from "./record.ts";

/** Where a record lies. */
export interface CheckedPlace {
  readonly segment: number;
  readonly offset: number;
}

export class BodyChecks {
  /** The whole bodies that were found sound, and used last. */
  readonly #sound: SharedRoom<string>;

  constructor(max: number) {
    this.#sound = new SharedRoom<string>(max, () => undefined);
  }

  note(place: CheckedPlace): void {
    this.#sound.set(keyOf(place), 1);
  }

  /** Whether a part that ends before `end` is sound, as far as the body's beginning in `known` can tell. */
  isSound(
    head: RecordHead,
    place: CheckedPlace,
    { known, end }: { readonly known: Buffer; readonly end: number },
  ): boolean {
    if (known.length >= head.length) return crc32(known.subarray(0, head.length)) === head.checksum;
    const isFirstBlock = end <= FIRST_BLOCK_BYTES && known.length >= FIRST_BLOCK_BYTES;
    if (isFirstBlock && crc32(known.subarray(0, FIRST_BLOCK_BYTES)) === head.firstChecksum) return true;
    return this.#sound.use(keyOf(place));
  }
}

function keyOf({ segment, offset }: CheckedPlace): string {
  return `${segment}/${offset}`;
}
