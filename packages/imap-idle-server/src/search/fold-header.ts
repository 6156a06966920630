// The form in which texts of headers are compared.
import { unicodeCasemap } from "@pushmail/mailstore";

const BLANKS = /[ \t\r\n]+/g;
const ODD_BLANKS = /[\t\r\n]| {2}/;

/** Folds a text of a header, with one space for neighbouring blanks: where a long field is broken is of no meaning. */
export function foldHeader(text: string): string {
  const folded = unicodeCasemap(text);
  return ODD_BLANKS.test(folded) ? folded.replace(BLANKS, " ") : folded;
}
