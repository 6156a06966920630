// Content-transfer-encodings back to bytes (RFC 2045 6). Damaged input gives what can be read of it, never an error.
import { CR, EQUALS, isBlank, LF } from "./characters.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NO_DIGIT = 64;
const DIGITS: Uint8Array = new Uint8Array(256).fill(NO_DIGIT);
for (let i = 0; i < ALPHABET.length; i++) DIGITS[ALPHABET.charCodeAt(i)] = i;

/** The bytes that a body in this encoding stands for; of an unknown encoding the body itself. */
export function decodeTransferEncoding(bytes: Uint8Array, encoding: string): Uint8Array {
  switch (encoding.toLowerCase()) {
    case "base64":
      return decodeBase64(bytes);
    case "quoted-printable":
      return decodeQuotedPrintable(bytes);
    default:
      return bytes;
  }
}

/** RFC 2045 6.8. What is not of the alphabet is left out; behind padding, which may stand anywhere, it begins anew. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const decoded = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4));
  let length = 0;
  let bits = 0;
  let bitCount = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    const digit = DIGITS[byte] as number;
    if (digit !== NO_DIGIT) {
      bits = ((bits << 6) | digit) & 0xffff;
      bitCount += 6;
      if (bitCount >= 8) {
        bitCount -= 8;
        decoded[length++] = bits >> bitCount;
      }
    } else if (byte === EQUALS) {
      bitCount = 0;
    }
  }
  return decoded.subarray(0, length);
}

/** More blanks than a line may have characters (RFC 2045 6.7) stand for themselves: who decodes in pieces holds no more. */
const BLANKS_MAX = 80;

/**
 * RFC 2045 6.7. An equals sign that begins neither an escape nor a soft line break stands for itself; blanks at the end of
 * a line stand for nothing.
 */
export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const decoded = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  // Without the blanks that nothing has followed yet.
  let kept = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (isBlank(byte)) {
      decoded[length++] = byte;
      continue;
    }
    if (byte !== EQUALS) {
      if (byte === LF || (byte === CR && bytes[at + 1] === LF)) length = withoutBlanks(kept, length);
      decoded[length++] = byte;
      kept = length;
      continue;
    }
    const escaped = hexValue(bytes[at + 1]) * 16 + hexValue(bytes[at + 2]);
    const lineEnd = escaped >= 0 ? -1 : endOfSoftBreak(bytes, at + 1);
    if (escaped >= 0) {
      decoded[length++] = escaped;
      at += 2;
    } else if (lineEnd < 0) {
      decoded[length++] = byte;
    } else {
      at = lineEnd - 1;
    }
    kept = length;
  }
  return decoded.subarray(0, withoutBlanks(kept, length));
}

/** Where a line ends that has blanks from `kept` to `length`. */
function withoutBlanks(kept: number, length: number): number {
  return length - kept <= BLANKS_MAX ? kept : length;
}

/** Where a soft line break ends whose equals sign is just before `start`; -1 where it is none. */
function endOfSoftBreak(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isBlank(bytes[at])) at++;
  if (at - start > BLANKS_MAX) return -1;
  if (at === bytes.length) return at;
  if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
  return bytes[at] === LF ? at + 1 : -1;
}

/** Of something else than a hexadecimal digit so far below 0 that no second digit makes up for it. */
function hexValue(byte: number | undefined): number {
  const code = byte ?? 0;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -0x100;
}
