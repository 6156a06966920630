// Looks for texts in a message as its texts come along, and remembers what was found.
import { decodeHeaderValue, foldForSearch, headerFields } from "@pushmail/mailstore";
import type { Needle, Truth } from "./candidate.ts";
import type { MessageText } from "./message-texts.ts";

/** One way through the texts of one message. */
export class NeedleScan {
  readonly #needles: readonly Needle[];
  readonly #found: Truth[];
  /** So much of a piece may be the beginning of a text that ends in the next one. */
  readonly #overlap: number;
  #isBehindHeader = false;
  #tail = "";

  constructor(needles: readonly Needle[]) {
    this.#needles = needles;
    this.#found = needles.map(() => undefined);
    this.#overlap = Math.max(...needles.map(({ text }) => text.length - 1));
  }

  /** For each needle whether it was found, or undefined as long as it may be. */
  get found(): readonly Truth[] {
    return this.#found;
  }

  /** Looks at the next text. */
  take(text: MessageText): void {
    if (text.type === "piece") this.#takePiece(text);
    else this.#takeHeader(text.octets);
  }

  /** There are no more texts: what was not found is not there. */
  finish(): void {
    this.#settle(() => true);
  }

  #takeHeader(octets: Buffer): void {
    for (const field of headerFields(octets)) {
      const text = foldForSearch(decodeHeaderValue(field.value));
      const line = `${field.name}: ${text}`;
      this.#mark((needle) => {
        if (needle.in === "field")
          return !this.#isBehindHeader && needle.field === field.name && text.includes(needle.text);
        // The headers of parts belong to the body of the message.
        return (needle.in === "message" || this.#isBehindHeader) && line.includes(needle.text);
      });
    }
    this.#isBehindHeader = true;
    this.#settle((needle) => needle.in === "field");
  }

  #takePiece({ text, isFirst }: Extract<MessageText, { readonly type: "piece" }>): void {
    const window = isFirst ? text : this.#tail + text;
    this.#mark((needle) => needle.in !== "field" && window.includes(needle.text));
    this.#tail = this.#overlap > 0 ? window.slice(-this.#overlap) : "";
  }

  #mark(has: (needle: Needle) => boolean): void {
    for (const [i, needle] of this.#needles.entries())
      if (this.#found[i] === undefined && has(needle)) this.#found[i] = true;
  }

  #settle(isDue: (needle: Needle) => boolean): void {
    for (const [i, needle] of this.#needles.entries()) if (isDue(needle)) this.#found[i] ??= false;
  }
}
