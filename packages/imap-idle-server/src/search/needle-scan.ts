// Looks for texts in a message as its texts come along, and remembers what was found.
import { decodeHeaderValue, headerFields } from "@pushmail/mailstore";
import type { Needle, Truth } from "./candidate.ts";
import { foldHeader } from "./fold-text.ts";
import type { MessageText } from "./message-texts.ts";

/** One way through the texts of one message. */
export class NeedleScan {
  readonly #needles: readonly Needle[];
  readonly #found: Truth[];
  /** So much of a piece may be the beginning of a text that ends in the next one. */
  readonly #overlap: number;
  #isInTopHeader = true;
  #tail = "";

  constructor(needles: readonly Needle[]) {
    this.#needles = needles;
    this.#found = needles.map(() => undefined);
    this.#overlap = Math.max(...needles.map(({ bodyText }) => bodyText.length - 1));
  }

  /** For each needle whether it was found, or undefined as long as it may be. */
  get found(): readonly Truth[] {
    return this.#found;
  }

  /** Looks at the next text. */
  take(text: MessageText): void {
    if (text.type === "piece") {
      this.#takePiece(text);
      return;
    }
    this.#takeHeader(text.octets);
    this.#isInTopHeader = false;
    this.#settle((needle) => needle.in === "field");
  }

  /** There are no more texts: what was not found is not there. */
  finish(): void {
    this.#settle(() => true);
  }

  #takeHeader(octets: Buffer): void {
    for (const field of headerFields(octets)) {
      const { name } = field;
      let value: string | undefined;
      this.#mark((needle) => {
        if (!this.#concerns(needle, name)) return false;
        value ??= foldHeader(decodeHeaderValue(field.value));
        return (needle.in === "field" ? value : `${name}: ${value}`).includes(needle.headerText);
      });
    }
  }

  /** Whether a needle may be in a field of this name: BODY matches no header at all, TEXT each (RFC 9051 6.4.4). */
  #concerns(needle: Needle, name: string): boolean {
    if (needle.in === "field") return this.#isInTopHeader && needle.field === name;
    return needle.in === "message";
  }

  #takePiece({ text, isFirst }: Extract<MessageText, { readonly type: "piece" }>): void {
    const window = isFirst ? text : this.#tail + text;
    this.#mark((needle) => needle.in !== "field" && window.includes(needle.bodyText));
    this.#tail = this.#overlap > 0 ? window.slice(-this.#overlap) : "";
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
