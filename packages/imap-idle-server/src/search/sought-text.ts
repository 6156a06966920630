// A text that SEARCH looks for, and how it is found: folding every text that is looked at would cost more than all else.
import { foldHeader, foldText } from "./fold-text.ts";
import { includesText } from "./includes-text.ts";

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]+$/;
/** Longer texts are looked for in folded ones: a search for a pattern takes the product of the lengths at worst. */
const PATTERN_LENGTH_MAX = 100;
/** The characters beyond ASCII whose folded form has ASCII in it, as that of ß has. */
const FOLDS_TO_ASCII = /[\u00df\u0130\u0131\u0149\u017f\u037e\u1e9a\u1e9e\u1fef\u212a\ufb00-\ufb06]/;

export interface SoughtText {
  readonly folded: string;
  readonly isAscii: boolean;
  /**
   * Of a text in ASCII: it matches what folds to that text, and in ASCII nothing else. No `u` flag: without it, only
   * ASCII letters are taken for ASCII letters. Undefined where no pattern is of use.
   */
  readonly pattern: RegExp | undefined;
}

/** A text as it is found in bodies. */
export function soughtInBody(text: string): SoughtText {
  const folded = foldText(text);
  return { folded, isAscii: ASCII.test(folded), pattern: patternOf(folded, escaped(folded)) };
}

/** A text as it is found in headers; its pattern matches every raw header in ASCII that has it, and some more. */
export function soughtInHeader(text: string): SoughtText {
  const folded = foldHeader(text);
  // Blanks and colons at the ends are left out, and two colons are too many: patterns with such take long.
  const core = folded.replace(/^[ :]+|[ :]+$/g, "");
  const isSimple = core !== "" && !/: ?:/.test(core);
  const source = escaped(core).replaceAll(/ ?: ?| /g, (match) =>
    match.includes(":") ? "[ \\t\\r\\n]*(?::[ \\t\\r\\n]*)?" : "[ \\t\\r\\n]+",
  );
  return { folded, isAscii: ASCII.test(folded), pattern: isSimple ? patternOf(core, source) : undefined };
}

function patternOf(folded: string, source: string): RegExp | undefined {
  return ASCII.test(folded) && folded.length <= PATTERN_LENGTH_MAX ? new RegExp(source, "i") : undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** A text that is looked at; it is folded once, and only where that decides. */
export class SearchedText {
  readonly #text: string;
  readonly #isAscii: boolean;
  #folded: string | undefined;

  constructor(text: string, { isAscii }: { readonly isAscii: boolean }) {
    this.#text = text;
    this.#isAscii = isAscii;
  }

  /** Whether the folded text has `sought` in it. */
  has({ folded, isAscii, pattern }: SoughtText): boolean {
    if (this.#isAscii && !isAscii) return false;
    if (pattern !== undefined) {
      if (this.#isAscii) return pattern.test(this.#text);
      // A mark may still follow what matches, and make another letter of it.
      if (!pattern.test(this.#text) && !FOLDS_TO_ASCII.test(this.#text)) return false;
    }
    this.#folded ??= foldText(this.#text);
    return includesText(this.#folded, folded);
  }
}
