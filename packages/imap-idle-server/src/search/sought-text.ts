// A text that SEARCH looks for, and how it is found: folding every text that is looked at would cost more than all else.
import { unicodeCasemap } from "@pushmail/mailstore";
import { foldHeader } from "./fold-header.ts";
import { includesText } from "./includes-text.ts";

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]+$/;
/** Longer texts are looked for in folded ones: a search for a pattern takes the product of the lengths at worst. */
const PATTERN_LENGTH_MAX = 100;

export interface SoughtText {
  readonly folded: string;
  readonly isAscii: boolean;
  /**
   * Of a text in ASCII: in ASCII it matches what folds to that text, and nothing else. No `u` flag: without it, only
   * ASCII letters are taken for ASCII letters. Undefined where no pattern is of use.
   */
  readonly pattern: RegExp | undefined;
}

/** A text as it is found in bodies. */
export function soughtInBody(text: string): SoughtText {
  const folded = unicodeCasemap(text);
  return { folded, isAscii: ASCII.test(folded), pattern: patternOf(folded, escaped(folded)) };
}

/** A text as it is found in headers; its pattern matches every raw header in ASCII that has it, and some more. */
export function soughtInHeader(text: string): SoughtText {
  const folded = foldHeader(text);
  // To leave blanks and colons out takes the square of a run of them.
  if (folded.length > PATTERN_LENGTH_MAX) return { folded, isAscii: ASCII.test(folded), pattern: undefined };
  // Those at the ends are, and two colons are too many: patterns with such take long.
  const core = folded.replace(/^[ :]+|[ :]+$/g, "");
  const isSimple = core !== "" && !/: ?:/.test(core);
  const source = escaped(core).replaceAll(/ ?: ?| /g, (match) =>
    match.includes(":") ? "[ \\t\\r\\n]*(?::[ \\t\\r\\n]*)?" : "[ \\t\\r\\n]+",
  );
  return { folded, isAscii: ASCII.test(folded), pattern: isSimple ? patternOf(core, source) : undefined };
}

function patternOf(folded: string, source: string): RegExp | undefined {
  // In lower case is what a ligature has been taken apart to, and no other letter.
  const isSimple = ASCII.test(folded) && !/[a-z]/.test(folded);
  return isSimple && folded.length <= PATTERN_LENGTH_MAX ? new RegExp(source, "i") : undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** A text that is looked at; it is folded once, and only where that decides. */
export class SearchedText {
  readonly #text: string;
  readonly isAscii: boolean;
  #folded: string | undefined;

  constructor(text: string, { isAscii }: { readonly isAscii: boolean }) {
    this.#text = text;
    this.isAscii = isAscii;
  }

  /** Whether the folded text has `sought` in it. */
  has({ folded, isAscii, pattern }: SoughtText): boolean {
    if (this.isAscii && !isAscii) return false;
    if (pattern !== undefined) {
      // Beyond ASCII are letters whose folded form has ASCII in it.
      const isThere = pattern.test(this.#text);
      if (isThere || this.isAscii) return isThere;
    }
    return includesText(this.folded, folded);
  }

  get folded(): string {
    return (this.#folded ??= unicodeCasemap(this.#text));
  }

  /** Whether folding changes nothing any more: that of some ligatures takes two times. */
  get isFolded(): boolean {
    return this.isAscii || this.#text === this.folded;
  }
}
