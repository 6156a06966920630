// The text of a part, folded for comparison, piece by piece: what is held is one piece, however long the part is.
import { isAscii } from "node:buffer";
import { decodeBody, findParameter, foldForSearch, type BodyPart } from "@pushmail/mailstore";
import { SEARCH_LIMITS } from "./limits.ts";
import { transferDecoder } from "./transfer-decoder.ts";

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const LF = 10;
/** Charsets in which octets below 128 may mean something else than ASCII. */
const NOT_ASCII = /2022|hz|ucs|unicode|utf-?16/i;

/** The folded text of a part from the octets of its body. */
export async function* bodyText(pieces: Pieces, part: BodyPart): AsyncGenerator<string> {
  const charset = findParameter(part.parameters, "charset");
  const isAsciiBased = charset === null || !NOT_ASCII.test(charset);
  for await (const octets of lines(decoded(pieces, part.encoding))) {
    // The same text as in the general case, many times quicker.
    if (isAsciiBased && isAscii(octets)) yield octets.toString("latin1").toLowerCase();
    else yield foldForSearch(decodeBody(octets, "8bit", charset));
  }
}

async function* decoded(pieces: Pieces, encoding: string): AsyncGenerator<Buffer> {
  const decode = transferDecoder(encoding);
  for await (const piece of pieces) yield decode(asBuffer(piece), { isLast: false });
  yield decode(Buffer.alloc(0), { isLast: true });
}

/** The same octets cut behind line ends, where no character of any charset in use on the net is cut in two. */
async function* lines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const octets = held.length === 0 ? piece : Buffer.concat([held, piece]);
    const lineEnd = octets.lastIndexOf(LF) + 1;
    const end = lineEnd === 0 && octets.length > SEARCH_LIMITS.lineBytesMax ? octets.length : lineEnd;
    if (end > 0) yield octets.subarray(0, end);
    held = octets.subarray(end);
  }
  if (held.length > 0) yield held;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
