// Looks for texts in a message as its texts come along, and remembers what was found.
import { isAscii } from "node:buffer";
import { headerFields } from "@pushmail/mailstore";
import type { Needle, Truth } from "./candidate.ts";
import { fieldText, fieldValue } from "./field-text.ts";
import { includesText } from "./includes-text.ts";
import type { SearchedText } from "./sought-text.ts";

/** No text that is looked for in headers has it in it. */
const BETWEEN_FIELDS = "\n";

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
    const needles = this.#openInHeaders;
    if (needles.length === 0) return true;
    if (!isAscii(octets)) return false;
    const text = octets.toString("latin1");
    // An encoded-word (RFC 2047) may stand for anything.
    if (text.includes("=?")) return false;
    return needles.every(({ inHeader: { isAscii, folded, pattern } }) => {
      return pattern === undefined ? folded !== "" && !isAscii : !pattern.test(text);
    });
  }

  /** Of many fields and many needles each needle is looked for once, and not in each field. */
  #takeFields(octets: Buffer): void {
    const needles = this.#openInHeaders;
    const isAnyInAll = needles.some((needle) => needle.in === "message");
    const named = new Map<string, string>();
    const names = new Set(needles.flatMap((needle) => (needle.in === "field" ? needle.field : [])));
    let all = "";
    for (const field of headerFields(octets)) {
      const { name } = field;
      const isNamed = this.#isInTopHeader && names.has(name);
      if (!isNamed && !isAnyInAll) continue;
      const value = fieldValue(field);
      if (isNamed) named.set(name, `${named.get(name) ?? ""}${value}${BETWEEN_FIELDS}`);
      if (isAnyInAll) all += `${fieldText(name, value)}${BETWEEN_FIELDS}`;
    }
    this.#mark(({ in: place, field, inHeader: { folded } }) => {
      // BODY matches no header at all, TEXT each (RFC 9051 6.4.4).
      if (place === "body") return false;
      const text = place === "field" ? named.get(field) : all;
      return text !== undefined && includesText(text, folded);
    });
  }

  /** The needles that may still be found in headers. */
  get #openInHeaders(): readonly Needle[] {
    return this.#needles.filter((needle, i) => this.#found[i] === undefined && needle.in !== "body");
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
