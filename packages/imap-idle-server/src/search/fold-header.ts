// The form in which texts of headers are compared.
import { foldForSearch } from "@pushmail/mailstore";

const BLANKS = /[ \t\r\n]+/g;

/** Folds a text, and makes one space of neighbouring blanks: where a long field is broken is of no meaning. */
export function foldHeader(text: string): string {
  return foldForSearch(text).replace(BLANKS, " ");
}
