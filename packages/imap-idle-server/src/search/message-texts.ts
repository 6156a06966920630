// The texts of a message where SEARCH looks: its header, then header and text of each part in order. A small message is
// read at once, of a large one nothing but these texts, in pieces.
import type { BlobId, BodyPart, ByteRange, MailStore, MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "../fetch/collect-octets.ts";
import { SEARCH_LIMITS } from "./limits.ts";
import { TextReader } from "./text-reader.ts";

export type MessageText =
  /** A whole header; the first is that of the message itself. */
  | { readonly type: "header"; readonly octets: Buffer }
  /** The next piece of a part's text, folded. */
  | { readonly type: "piece"; readonly text: string; readonly isFirst: boolean };

type Read = (range: ByteRange) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Yields a message's texts as they are read. */
export async function* messageTexts(
  store: MailStore,
  message: MessageDetails,
  { isHeaderEnough }: { readonly isHeaderEnough: boolean },
): AsyncGenerator<MessageText> {
  const { blob, sizeBytes, summary } = message;
  const isSmall = sizeBytes <= SEARCH_LIMITS.wholeBytesMax;
  const read: Read = isSmall && !isHeaderEnough ? await readWhole(store, blob) : (range) => store.body(blob, range);
  yield* partTexts(read, summary.structure);
}

async function readWhole(store: MailStore, blob: BlobId): Promise<Read> {
  const whole = await collectOctets(store.body(blob));
  return ({ start, end }) => [whole.subarray(start, end)];
}

async function* partTexts(read: Read, part: BodyPart): AsyncGenerator<MessageText> {
  const { headerStart: start, bodyStart, bodyEnd } = part;
  const end = Math.min(bodyStart, start + SEARCH_LIMITS.headerBytesMax);
  yield { type: "header", octets: await collectOctets(read({ start, end })) };
  if (part.type.toLowerCase() === "text") {
    const reader = new TextReader(part);
    let isFirst = true;
    for await (const piece of read({ start: bodyStart, end: bodyEnd })) {
      yield { type: "piece", text: reader.push(asBuffer(piece)), isFirst };
      isFirst = false;
    }
    yield { type: "piece", text: reader.end(), isFirst };
  }
  for (const inner of part.message === null ? part.parts : [part.message.structure]) yield* partTexts(read, inner);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
