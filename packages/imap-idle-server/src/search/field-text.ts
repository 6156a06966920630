// A field of a header in the form in which texts are compared.
import { decodeHeaderValue, type HeaderField } from "@pushmail/mailstore";
import { foldHeader } from "./fold-header.ts";

/** What the field says. */
export function fieldValue({ value }: Pick<HeaderField, "value">): string {
  return foldHeader(decodeHeaderValue(value));
}

/** The whole of it, as TEXT looks at it. */
export function fieldText(name: string, value: string): string {
  return `${foldHeader(name)}: ${value}`;
}
