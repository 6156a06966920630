// The texts of a message where SEARCH looks: its header, then header and text of each part in order. Of a large message
// nothing else is read, and that in pieces.
import type { BodyPart, ByteRange, MailStore, MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "../fetch/collect-octets.ts";
import { SEARCH_LIMITS } from "./limits.ts";
import { TextReader } from "./text-reader.ts";

export type MessageText =
  /** A whole header; the first is that of the message itself. */
  | { readonly type: "header"; readonly octets: Buffer }
  /** The next piece of a part's text, folded. */
  | { readonly type: "piece"; readonly text: string; readonly isFirst: boolean };

/** Gives octets of one message. */
export type ReadOctets = (range: ByteRange) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Opens a message; a small one is read at once, unless its header will do. */
export async function openMessage(
  store: MailStore,
  { blob, sizeBytes }: MessageDetails,
  { isHeaderEnough }: { readonly isHeaderEnough: boolean },
): Promise<ReadOctets> {
  if (isHeaderEnough || sizeBytes > SEARCH_LIMITS.wholeBytesMax) return (range) => store.body(blob, range);
  const whole = await collectOctets(store.body(blob));
  return ({ start, end }) => [whole.subarray(start, end)];
}

/** Yields the texts of a message, or of a part and what is in it, as they are read. */
export async function* messageTexts(part: BodyPart, read: ReadOctets): AsyncGenerator<MessageText> {
  const { headerStart: start, bodyStart, bodyEnd } = part;
  const end = Math.min(bodyStart, start + SEARCH_LIMITS.headerBytesMax);
  yield { type: "header", octets: await collectOctets(read({ start, end })) };
  if (isReadable(part)) {
    const reader = new TextReader(part);
    let isFirst = true;
    for await (const piece of read({ start: bodyStart, end: bodyEnd })) {
      yield { type: "piece", text: reader.push(asBuffer(piece)), isFirst };
      isFirst = false;
    }
    yield { type: "piece", text: reader.end(), isFirst };
  }
  for (const inner of part.message === null ? part.parts : [part.message.structure]) yield* messageTexts(inner, read);
}

/** RFC 3501 6.4.4: TEXT and MESSAGE are never left out; of the latter some have no structure, as delivery reports. */
function isReadable({ type, message }: BodyPart): boolean {
  return /^text$/i.test(type) || (/^message$/i.test(type) && message === null);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
