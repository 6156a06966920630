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

/** Whether a text has no character beyond ASCII. */
export function isAsciiText(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
