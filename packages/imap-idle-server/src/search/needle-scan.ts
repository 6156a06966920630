// Looks for texts in a message as its texts come along, and remembers what was found.
import { isAscii } from "node:buffer";
import { headerFields } from "@pushmail/mailstore";
import type { Needle, Truth } from "./candidate.ts";
import { fieldText, fieldValue } from "./field-text.ts";
import { includesText } from "./includes-text.ts";
import type { SearchedText } from "./sought-text.ts";

/** One way through the texts of one message. */
export class NeedleScan {
  readonly #needles: readonly Needle[];
  readonly #found: Truth[];
  #isInTopHeader = true;

  constructor(needles: readonly Needle[]) {
    this.#needles = needles;
    this.#found = needles.map(() => undefined);
  }

  /** For each needle whether it was found, or undefined as long as it may be; the same list all along. */
  get found(): readonly Truth[] {
    return this.#found;
  }

  /** Looks at a whole header; the first is that of the message itself. */
  takeHeader(octets: Buffer): void {
    if (!this.#isRuledOut(octets)) this.#takeFields(octets);
    this.#isInTopHeader = false;
    this.#settle((needle) => needle.in === "field");
  }

  /** Looks at a part's text, or a piece of it. */
  takeText(text: SearchedText): void {
    this.#mark((needle) => needle.in !== "field" && text.has(needle.inBody));
  }

  /** There are no more texts: what was not found is not there. */
  finish(): void {
    this.#settle(() => true);
  }

  /** Whether the raw octets show already that the header has none of the texts: most have not. */
  #isRuledOut(octets: Buffer): boolean {
    const isOpen = (needle: Needle, i: number): boolean => this.#found[i] === undefined && needle.in !== "body";
    const needles = this.#needles.filter(isOpen);
    if (needles.length === 0) return true;
    if (!isAscii(octets)) return false;
    const text = octets.toString("latin1");
    // An encoded-word (RFC 2047) may stand for anything.
    if (text.includes("=?")) return false;
    return needles.every(({ inHeader: { isAscii, folded, pattern } }) => {
      return pattern === undefined ? folded !== "" && !isAscii : !pattern.test(text);
    });
  }

  #takeFields(octets: Buffer): void {
    for (const field of headerFields(octets)) {
      const { name } = field;
      let value: string | undefined;
      this.#mark((needle) => {
        if (!this.#concerns(needle, name)) return false;
        value ??= fieldValue(field);
        return includesText(needle.in === "field" ? value : fieldText(name, value), needle.inHeader.folded);
      });
    }
  }

  /** Whether a needle may be in a field of this name: BODY matches no header at all, TEXT each (RFC 9051 6.4.4). */
  #concerns(needle: Needle, name: string): boolean {
    if (needle.in === "field") return this.#isInTopHeader && needle.field === name;
    return needle.in === "message";
  }

  #mark(has: (needle: Needle) => boolean): void {
    for (const [i, needle] of this.#needles.entries()) {
      if (this.#found[i] === undefined && has(needle)) this.#found[i] = true;
    }
  }

  #settle(isDue: (needle: Needle) => boolean): void {
    for (const [i, needle] of this.#needles.entries()) if (isDue(needle)) this.#found[i] ??= false;
  }
}
