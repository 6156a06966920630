// The text of a part as SEARCH looks at it: out of its transfer encoding, then out of its charset.
import { decodeCharset } from "./charset.ts";
import { DECODE_LIMITS } from "./limits.ts";
import { decodeTransferEncoding } from "./transfer-encoding.ts";

/**
 * The text of a part's body, or of its first DECODE_LIMITS.bodyBytesMax bytes. A charset that is null or unknown is
 * UTF-8 where the bytes allow it, else latin1.
 */
export function decodeBody(bytes: Uint8Array, encoding: string, charset: string | null): string {
  const encoded = bytes.subarray(0, DECODE_LIMITS.bodyBytesMax);
  return decodeCharset(decodeTransferEncoding(encoded, encoding), charset ?? "");
}
