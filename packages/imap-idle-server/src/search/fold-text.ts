// The forms in which texts are compared.
import { foldForSearch } from "@pushmail/mailstore";

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
const BLANKS = /[ \t\r\n]+/g;
const ODD_BLANKS = /[\t\r\n]| {2}/;

/** Folds a text of a body. */
export function foldText(text: string): string {
  // The same as in the general case, many times quicker.
  return ASCII.test(text) ? text.toLowerCase() : foldForSearch(text);
}

/** Folds a text of a header, with one space for neighbouring blanks: where a long field is broken is of no meaning. */
export function foldHeader(text: string): string {
  const folded = foldText(text);
  return ODD_BLANKS.test(folded) ? folded.replace(BLANKS, " ") : folded;
}
