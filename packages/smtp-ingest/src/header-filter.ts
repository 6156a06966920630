// A message's header as it streams by: Return-Path fields are taken out, Received fields are counted. Holds no more
// than the beginning of one line, and looks at no more than a bound; what stands behind passes untouched.

const RETURN_PATH = "return-path:";
const RECEIVED = "received:";
const LF = 0x0a;

/** Give it the message (line ends CRLF) piece by piece, and at the end take what it still holds. */
export class HeaderFilter {
  receivedFields = 0;
  #bytesLeft: number;
  #held: Buffer = Buffer.alloc(0);
  #atLineStart = true;
  #dropping = false;

  constructor(headerBytesMax: number) {
    this.#bytesLeft = headerBytesMax;
  }

  push(piece: Buffer): Buffer {
    const input = this.#held.length > 0 ? Buffer.concat([this.#held, piece]) : piece;
    this.#held = Buffer.alloc(0);
    const kept: Buffer[] = [];
    /** Where what is kept and not in `kept` begins. */
    let from = 0;
    let position = 0;
    while (position < input.length && this.#bytesLeft > 0) {
      if (this.#atLineStart && !this.#judge(input.subarray(position, position + RETURN_PATH.length))) {
        this.#held = input.subarray(position);
        return joined(kept, input.subarray(from, position));
      }
      const end = input.indexOf(LF, position) + 1 || input.length;
      if (this.#dropping) {
        kept.push(input.subarray(from, position));
        from = end;
      }
      this.#atLineStart = input[end - 1] === LF;
      this.#bytesLeft -= end - position;
      position = end;
    }
    return joined(kept, input.subarray(from));
  }

  finish(): Buffer {
    return this.#held;
  }

  /** Decides on the line that begins so; false where more of it must be seen first. */
  #judge(start: Buffer): boolean {
    const text = start.toString("latin1").toLowerCase();
    if (text.length < RETURN_PATH.length && !text.includes("\n")) return false;
    // A line that begins with white space belongs to the field before it (RFC 5322 2.2.3).
    if (text.startsWith(" ") || text.startsWith("\t")) return true;
    if (text.startsWith("\r\n")) this.#bytesLeft = 0;
    if (text.startsWith(RECEIVED)) this.receivedFields++;
    this.#dropping = text === RETURN_PATH;
    return true;
  }
}

/** Copies nothing where nothing is left out. */
function joined(before: readonly Buffer[], last: Buffer): Buffer {
  return before.length === 0 ? last : Buffer.concat([...before, last]);
}
