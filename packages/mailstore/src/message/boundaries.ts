// The boundaries of the multiparts that are open. A line is looked up, not compared with each of them.
import { CR, DASH, isBlank } from "./characters.ts";

/** A boundary line of an open multipart. */
export interface BoundaryLine {
  /** The depth of the multipart. */
  readonly depth: number;
  /** Whether it ends the multipart instead of beginning a part. */
  readonly closes: boolean;
}

interface OpenBoundary {
  readonly text: string;
  readonly depth: number;
  /** The depth of an outer multipart with the same boundary: its lines belong to the inner one for now. */
  readonly hidden: number | undefined;
}

export class Boundaries {
  readonly #open: OpenBoundary[] = [];
  readonly #depths: Map<string, number> = new Map();

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  /** Adds the boundary of a multipart that lies deeper than all the others. */
  add(text: string, depth: number): void {
    this.#open.push({ text, depth, hidden: this.#depths.get(text) });
    this.#depths.set(text, depth);
  }

  /** Forgets the boundaries of the multiparts at `depth` and below. */
  dropFrom(depth: number): void {
    for (let last = this.#open.at(-1); last !== undefined && last.depth >= depth; last = this.#open.at(-1)) {
      if (last.hidden === undefined) this.#depths.delete(last.text);
      else this.#depths.set(last.text, last.hidden);
      this.#open.pop();
    }
  }

  /** Whose boundary line a line (without its line end) is; null where it is none. */
  match(bytes: Buffer, start: number, end: number): BoundaryLine | null {
    if (bytes[start] !== DASH || bytes[start + 1] !== DASH || this.isEmpty) return null;
    // RFC 2046 5.1.1: blanks may follow (transport-padding), nothing else; so no boundary is taken for a longer one.
    let textEnd = end;
    while (isBlank(bytes[textEnd - 1]) || bytes[textEnd - 1] === CR) textEnd--;
    const text = bytes.toString("latin1", start + 2, textEnd);
    const opened = this.#depths.get(text) ?? -1;
    const closed = text.endsWith("--") ? (this.#depths.get(text.slice(0, -2)) ?? -1) : -1;
    if (opened < 0 && closed < 0) return null;
    return { depth: Math.max(opened, closed), closes: closed > opened };
  }
}
