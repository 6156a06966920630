// The fields of a header, as they stand in its bytes: folded lines and odd ones are kept as they are.
import { asBuffer } from "./as-buffer.ts";
import { isBlank, LF, trimBlanks } from "./characters.ts";
import { endOfContent, fieldColon } from "./header-line.ts";

/** A field of a header; offsets are into the header's bytes. */
export interface HeaderField {
  /** In lower case; empty for a line that is no field. */
  readonly name: string;
  /** From its first byte to behind the line end of its last line. */
  readonly start: number;
  readonly end: number;
  /** What stands behind the colon: latin1, unfolded (RFC 5322 2.2.3), without blanks at the ends. */
  readonly value: string;
}

/** The fields of a header one after the other, up to the blank line or the end. */
export function* headerFields(header: Uint8Array): Generator<HeaderField> {
  const bytes = asBuffer(header);
  for (let start = 0; start < bytes.length && !isBlankLine(bytes, start);) {
    const end = endOfField(bytes, start);
    yield new LazyField(bytes, start, end);
    start = end;
  }
}

/**
 * The fields of these names (in any case), or with `not` all others, in their order and with the blank line in which
 * the header ends (RFC 9051 6.4.5.1); a header that lacks the blank line does not get one.
 */
export function pickFields(
  header: Uint8Array,
  names: readonly string[],
  { not }: { readonly not: boolean },
): Uint8Array {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const bytes = asBuffer(header);
  const picked: Uint8Array[] = [];
  let end = 0;
  for (const field of headerFields(bytes)) {
    if (wanted.has(field.name) !== not) picked.push(bytes.subarray(field.start, field.end));
    end = field.end;
  }
  picked.push(bytes.subarray(end, endOfLine(bytes, end)));
  return Buffer.concat(picked);
}

/** Makes a field's strings only when they are asked for. */
class LazyField implements HeaderField {
  readonly #bytes: Buffer;
  readonly #colon: number;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#colon = fieldColon(bytes, start, end);
    this.start = start;
    this.end = end;
  }

  get name(): string {
    return trimBlanks(this.#bytes.toString("latin1", this.start, Math.max(this.#colon, this.start))).toLowerCase();
  }

  get value(): string {
    // What is no field is all value.
    const text = this.#bytes.toString("latin1", this.#colon < 0 ? this.start : this.#colon + 1, this.end);
    return trimBlanks(text.replaceAll(/\r?\n/g, ""));
  }
}

function isBlankLine(bytes: Buffer, start: number): boolean {
  return endOfContent(bytes, start, endOfLine(bytes, start)) === start;
}

function endOfLine(bytes: Buffer, start: number): number {
  const lineFeed = bytes.indexOf(LF, start);
  return lineFeed < 0 ? bytes.length : lineFeed + 1;
}

function endOfField(bytes: Buffer, start: number): number {
  let end = endOfLine(bytes, start);
  while (end < bytes.length && isBlank(bytes[end])) end = endOfLine(bytes, end);
  return end;
}
