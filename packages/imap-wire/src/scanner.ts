// A cursor over one command. Its methods are named after the ABNF rules of RFC 9051 9, return values and throw
// SyntaxFault with the column. Strings are latin1: each character is one octet as the client sent it.
import { ASTRING_CHAR, ATOM_CHAR, DIGIT, isOf, LIST_CHAR, QUOTED_CHAR, WORD_CHAR } from "./char-class.ts";
import type { Frame, Literal } from "./frame.ts";
import type { WireLimits } from "./limits.ts";
import { DEFAULT_WIRE_LIMITS } from "./limits.ts";
import { latin1ToUtf8 } from "./string.ts";
import { SyntaxFault } from "./syntax-fault.ts";
import { tagOf } from "./tag.ts";

const NUMBER_MAX = 2 ** 32 - 1;
const NUMBER64_MAX = 2n ** 63n - 1n;

/** Reads one frame from left to right. */
export class Scanner {
  readonly limits: WireLimits;
  /** Whether the client has enabled UTF-8: then mailbox names are in it, and quoted strings in nothing else. */
  acceptsUtf8 = false;
  /** Whether no message number may stand anywhere: the client has enabled that (RFC 9586 3). */
  isUidOnly = false;
  readonly #text: string;
  readonly #literals: readonly Literal[];
  #position = 0;

  constructor(frame: Frame, limits: WireLimits = DEFAULT_WIRE_LIMITS) {
    this.limits = limits;
    this.#text = withoutBlanksBehind(frame.text);
    this.#literals = frame.literals;
  }

  /** The next character, "" at the end. */
  get peek(): string {
    return this.#text.charAt(this.#position);
  }

  get atEnd(): boolean {
    return this.#position === this.#text.length;
  }

  /** Whether a literal comes next whose octets are not in memory. */
  get atUnreadLiteral(): boolean {
    return this.#literalHere()?.bytes === null;
  }

  /** How many characters have been read. */
  get position(): number {
    return this.#position;
  }

  /** A fault here, or at an earlier position, to be thrown. */
  fault(message: string, position: number = this.#position): SyntaxFault {
    return new SyntaxFault(message, position + 1);
  }

  /** Steps over `token`, given in upper case, if it comes next in any case. */
  skip(token: string): boolean {
    const end = this.#position + token.length;
    if (!this.#text.startsWith(token, this.#position)) {
      if (token.length === 1 || this.#text.slice(this.#position, end).toUpperCase() !== token) return false;
    }
    this.#position = end;
    return true;
  }

  expect(token: string): void {
    if (!this.skip(token)) throw this.fault(`Expected ${token === " " ? "a space" : token}`);
  }

  space(): void {
    this.expect(" ");
  }

  /** The end of the command. */
  end(): void {
    if (!this.atEnd) throw this.fault("Unexpected text at the end of the command");
  }

  tag(): string {
    const tag = tagOf(this.#text.slice(this.#position));
    if (tag === null) throw this.fault("Expected a tag");
    this.#position += tag.length;
    return tag;
  }

  /** A keyword of the grammar, such as a command, a search key or a fetch item, in upper case. */
  word(): string {
    return this.#run(WORD_CHAR, "a word").toUpperCase();
  }

  /** RFC 8474 7 objectid. */
  objectId(): string {
    const start = this.#position;
    const id = this.atom();
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(id)) throw this.fault("Expected an id", start);
    return id;
  }

  /** One of these keywords, which are given in upper case. */
  oneOf<Word extends string>(words: readonly Word[], what: string): Word {
    const start = this.#position;
    const read = this.word();
    const word = words.find((known) => known === read);
    if (word === undefined) throw this.fault(`Unknown ${what}`, start);
    return word;
  }

  atom(): string {
    return this.#run(ATOM_CHAR, "an atom");
  }

  astring(): string {
    return this.#atString() ? this.string() : this.#run(ASTRING_CHAR, "a string");
  }

  /** A text to look for. Scripts send one with % or * in it, as a message id may have, and without quotes. */
  searchText(): string {
    return this.#atString() ? this.string() : this.#run(LIST_CHAR, "a string");
  }

  /** What LIST and LSUB take as a pattern, undecoded. */
  listMailbox(): string {
    return this.#atString() ? this.string() : this.#run(LIST_CHAR, "a mailbox pattern");
  }

  /** A quoted string or a literal that was kept. */
  string(): string {
    if (this.peek === '"') return this.#quoted();
    const start = this.#position;
    const { bytes, binary } = this.literal();
    if (bytes === null) throw new Error("this literal was not kept in memory");
    const text = bytes.toString("latin1");
    // RFC 9051 9: CHAR8 is any octet but NUL.
    if (binary || text.includes("\0")) throw this.fault("Binary literal not allowed here", start);
    return text;
  }

  nstring(): string | null {
    if (this.#atString()) return this.string();
    this.expect("NIL");
    return null;
  }

  /** A literal of any kind, kept or streamed. */
  literal(): Literal {
    const literal = this.#literalHere();
    if (literal === undefined) throw this.fault("Expected a string");
    this.#position = literal.end;
    return literal;
  }

  /** 0 to 2^32 - 1. */
  number(): number {
    const start = this.#position;
    const value = Number(this.#digits());
    if (value > NUMBER_MAX) throw this.fault("Number too large", start);
    return value;
  }

  /** 1 to 2^32 - 1. */
  nzNumber(): number {
    const start = this.#position;
    const value = this.number();
    if (value === 0) throw this.fault("Expected a number above 0", start);
    return value;
  }

  /** 0 to 2^63 - 1 (RFC 7162 7); what is above 2^53 - 1, where no size and no MODSEQ lies, counts as 2^53 - 1. */
  number64(): number {
    const start = this.#position;
    const digits = this.#digits().replace(/^0+(?=.)/, "");
    if (digits.length > 19 || BigInt(digits) > NUMBER64_MAX) throw this.fault("Number too large", start);
    return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
  }

  /** Items within parentheses, one space between two; there may be none. */
  list<Item>(readItem: () => Item): Item[] {
    this.expect("(");
    const items: Item[] = [];
    if (this.skip(")")) return items;
    do items.push(readItem());
    while (this.skip(" "));
    this.expect(")");
    return items;
  }

  #atString(): boolean {
    return this.peek === '"' || this.#literalHere() !== undefined;
  }

  #literalHere(): Literal | undefined {
    if (this.peek !== "{" && this.peek !== "~") return undefined;
    return this.#literals.find((literal) => literal.start === this.#position);
  }

  #quoted(): string {
    let value = "";
    for (let start = this.#position + 1; ; start = this.#position) {
      this.#position = start;
      while (isOf(this.#text.charCodeAt(this.#position), QUOTED_CHAR)) this.#position++;
      value += this.#text.slice(start, this.#position);
      if (this.skip('"')) {
        // RFC 9755 3
        if (this.acceptsUtf8 && latin1ToUtf8(value) === undefined) throw this.fault("Text is not UTF-8");
        return value;
      }
      if (!this.skip("\\")) throw this.fault('Expected "');
      if (this.peek !== '"' && this.peek !== "\\") throw this.fault('Only " and \\ may be escaped');
      value += this.peek;
      this.#position++;
    }
  }

  #digits(): string {
    return this.#run(DIGIT, "a number");
  }

  #run(charClass: number, what: string): string {
    const start = this.#position;
    while (isOf(this.#text.charCodeAt(this.#position), charClass)) this.#position++;
    if (this.#position === start) throw this.fault(`Expected ${what}`);
    return this.#text.slice(start, this.#position);
  }
}

/** Blanks at the end of a command do no harm, whatever stands before them. */
function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (text.charAt(end - 1) === " ") end--;
  return text.slice(0, end);
}
