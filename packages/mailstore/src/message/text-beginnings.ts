// The beginnings of the texts of which one becomes the preview, kept while the message streams by.
import { isPreviewable } from "./make-preview.ts";
import type { BodyPart } from "./summary.ts";

/** Buffers that no message uses: to make some for each would cost more than all else about previews. */
const SPARE: Buffer[] = [];
const SPARE_MAX = 16;

interface Beginning {
  /** Where it begins in the message. */
  readonly start: number;
  readonly octets: Buffer;
  length: number;
}

export class TextBeginnings {
  readonly #octetsMax: number;
  /** The first text of all, and the first that is plain. */
  readonly #kept: Beginning[] = [];
  #hasPlain = false;
  /** Those that take more. */
  #open: Beginning[] = [];

  constructor(octetsMax: number) {
    this.#octetsMax = octetsMax;
  }

  get isTaking(): boolean {
    return this.#open.length > 0;
  }

  /** A part's body begins; once a plain text is kept, no other can be the preview. */
  begin(part: Pick<BodyPart, "type" | "subtype" | "disposition">, start: number): void {
    if (this.#hasPlain || !isPreviewable(part, this.#kept.length === 0 ? null : "plain")) return;
    this.#hasPlain = isPreviewable(part, "plain");
    const beginning: Beginning = { start, octets: bufferOf(this.#octetsMax), length: 0 };
    this.#kept.push(beginning);
    this.#open.push(beginning);
  }

  /** Octets of the message, which lie at `offset`; those that are wanted are copied. */
  take(bytes: Buffer, offset: number): void {
    for (const beginning of this.#open) {
      // Where some went by before it began it cannot be told.
      if (beginning.start + beginning.length !== offset) continue;
      beginning.length += bytes.copy(beginning.octets, beginning.length, 0, bytes.length);
    }
    this.#open = this.#open.filter(({ start, length }) => start + length === offset + bytes.length);
  }

  /** The first octets of a part's body, good until they are let go; undefined where they were not kept. */
  of({ bodyStart, bodyEnd }: BodyPart): Buffer | undefined {
    const wanted = Math.min(bodyEnd - bodyStart, this.#octetsMax);
    const kept = this.#kept.find(({ start, length }) => start === bodyStart && length >= wanted);
    return kept?.octets.subarray(0, wanted);
  }

  /** Lets go of all: nothing more is asked for. */
  release(): void {
    for (const { octets } of this.#kept) if (SPARE.length < SPARE_MAX) SPARE.push(octets);
    this.#kept.length = 0;
    this.#open = [];
  }
}

function bufferOf(octets: number): Buffer {
  const spare = SPARE.pop();
  return spare?.length === octets ? spare : Buffer.allocUnsafeSlow(octets);
}
