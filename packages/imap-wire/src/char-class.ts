// The character classes of RFC 9051 9 as bits of one table over latin1.

export const ATOM_CHAR = 1;
export const ASTRING_CHAR = 2;
export const TAG_CHAR = 4;
export const LIST_CHAR = 8;
export const DIGIT = 16;
/** What keywords of the grammar are made of: letters, digits, "." and "-". */
export const WORD_CHAR = 32;
/** What needs no escape in a quoted string. */
export const QUOTED_CHAR = 64;

const CLASSES: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => classesOf(String.fromCharCode(code)));

/** Whether the latin1 code is of the class; NaN, past the end of a text, is of none. */
export function isOf(code: number, charClass: number): boolean {
  return ((CLASSES[code] ?? 0) & charClass) !== 0;
}

function classesOf(char: string): number {
  let classes = 0;
  const atom = char > " " && char < "\x7f" && !'(){%*"\\]'.includes(char);
  if (atom) classes |= ATOM_CHAR;
  if (atom || char === "]") classes |= ASTRING_CHAR;
  if ((atom || char === "]") && char !== "+") classes |= TAG_CHAR;
  if (atom || "]%*".includes(char)) classes |= LIST_CHAR;
  if (char >= "0" && char <= "9") classes |= DIGIT;
  if (/[A-Za-z0-9.-]/.test(char)) classes |= WORD_CHAR;
  // RFC 9051 9 wants UTF-8 above 7 bits; some clients send other charsets, so any octet is taken.
  if (!'\0\r\n"\\'.includes(char)) classes |= QUOTED_CHAR;
  return classes;
}
