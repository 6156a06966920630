// One line of a header: where its content ends, and where its name does.
import { COLON, CR, isBlank, LF, SPACE } from "./characters.ts";

/** The index after the last byte of a line's content, whose line end, if it has one, ends before `end`. */
export function endOfContent(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || bytes[end - 1] !== LF) return end;
  return end - 1 > start && bytes[end - 2] === CR ? end - 2 : end - 1;
}

/**
 * The index of the colon after a field's name, or -1 where the line is no field (RFC 5322 2.2, with the blanks before
 * the colon of RFC 5322 4.5).
 */
export function fieldColon(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] as number) > SPACE && bytes[at] !== COLON) at++;
  if (at === start) return -1;
  while (at < end && isBlank(bytes[at])) at++;
  return at < end && bytes[at] === COLON ? at : -1;
}
