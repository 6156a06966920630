// The bytes and blanks of RFC 5322 by name.

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const DASH = 0x2d;
export const COLON = 0x3a;
export const EQUALS = 0x3d;

/** Whether a byte or character code is WSP (RFC 5234 B.1). */
export function isBlank(code: number | undefined): boolean {
  return code === SPACE || code === TAB;
}

/** Whether a byte or character code may stand around a value: WSP, or a stray CR or LF. */
export function isPadding(code: number): boolean {
  return code === SPACE || code === TAB || code === CR || code === LF;
}

/** The text without blanks at its ends. (`trim` would take 0xA0, which is half of a UTF-8 letter here.) */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isPadding(text.charCodeAt(start))) start++;
  while (end > start && isPadding(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The index after the last byte of a line's content, whose line end, if it has one, ends before `end`. */
export function endOfContent(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || bytes[end - 1] !== LF) return end;
  return end - 1 > start && bytes[end - 2] === CR ? end - 2 : end - 1;
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
