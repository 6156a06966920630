// Reads ENVELOPE and BODYSTRUCTURE as they are printed for clients. Throws where the text is not as we print it.
import { damagedSummary } from "./summary-bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LITERAL_HEAD = /\{(\d+)\}\r\n/y;
const DIGITS = /\d+/y;

export class PrintedReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Another reader behind a stretch of text, where that comes next. */
  ahead(pattern: RegExp): PrintedReader | undefined {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return undefined;
    const reader = new PrintedReader(this.#text);
    reader.#at = pattern.lastIndex;
    return reader;
  }

  /** Whether this is what comes next. */
  sees(expected: string): boolean {
    return this.#text.startsWith(expected, this.#at);
  }

  /** Steps over what comes next, if it is this. */
  skip(expected: string): boolean {
    const isThere = this.sees(expected);
    if (isThere) this.#at += expected.length;
    return isThere;
  }

  expect(expected: string): void {
    if (!this.skip(expected)) throw damagedSummary();
  }

  nstring(): string | null {
    return this.skip("NIL") ? null : this.string();
  }

  string(): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return this.#literal();
    const start = this.#at + 1;
    let end = this.#text.indexOf('"', start);
    while (end > start && this.#isEscaped(start, end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw damagedSummary();
    this.#at = end + 1;
    const quoted = this.#text.slice(start, end);
    return quoted.includes("\\") ? quoted.replaceAll(/\\(.)/g, "$1") : quoted;
  }

  number(): number {
    return Number(this.#match(DIGITS)[0]);
  }

  /** What stands in parentheses; nothing for NIL. */
  list<T>(read: () => T): T[] {
    const items: T[] = [];
    if (this.skip("NIL")) return items;
    this.expect("(");
    while (!this.skip(")")) {
      items.push(read());
      this.skip(" ");
    }
    return items;
  }

  #isEscaped(start: number, at: number): boolean {
    let before = at;
    while (before > start && this.#text.charCodeAt(before - 1) === BACKSLASH) before--;
    return (at - before) % 2 === 1;
  }

  #literal(): string {
    const [head, length] = this.#match(LITERAL_HEAD);
    const start = this.#at;
    this.#at += Number(length);
    if (head === undefined || this.#at > this.#text.length) throw damagedSummary();
    return this.#text.slice(start, this.#at);
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw damagedSummary();
    this.#at = pattern.lastIndex;
    return match;
  }
}
