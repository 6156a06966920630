// The texts of a message as they are read, piece by piece: a large message is searched with little of it held.
import type { BodyPart, ByteRange } from "@pushmail/mailstore";
import { collectOctets } from "../fetch/collect-octets.ts";
import type { SearchLimits } from "./limits.ts";
import { SearchedText } from "./sought-text.ts";
import { TextReader } from "./text-reader.ts";
import type { TextSpan } from "./text-spans.ts";

/** A whole header, or the next piece of a part's text. */
export type MessageText = { readonly header: Buffer } | PartPiece;

export interface PartPiece {
  readonly piece: SearchedText;
  readonly part: BodyPart;
  /** Whether all octets of the part are ASCII, up to the end of this piece. */
  readonly isAscii: boolean;
}

/** Gives octets of one message. */
export type ReadOctets = (range: ByteRange) => AsyncIterable<Uint8Array>;

export interface TextsOptions {
  readonly limits: SearchLimits;
  /** How much of a piece is looked at again with the next one: a text may begin in the one and end in the other. */
  readonly overlap: number;
}

/** Yields the texts of spans, as they are read. */
export async function* messageTexts(
  spans: readonly TextSpan[],
  read: ReadOctets,
  options: TextsOptions,
): AsyncGenerator<MessageText> {
  for (const span of spans) {
    if (span.type === "header") yield { header: await collectOctets(read(span)) };
    else for await (const piece of pieces(span.part, read(span), options)) yield piece;
  }
}

async function* pieces(
  part: BodyPart,
  octets: AsyncIterable<Uint8Array>,
  { limits, overlap }: TextsOptions,
): AsyncGenerator<PartPiece> {
  const reader = new TextReader(part, limits.lineBytesMax);
  let tail = "";
  const searched = (text: string): PartPiece => {
    const window = tail + text;
    tail = overlap > 0 ? window.slice(-overlap) : "";
    return { piece: new SearchedText(window, { isAscii: false }), part, isAscii: reader.isAscii };
  };
  for await (const piece of octets) yield searched(reader.push(asBuffer(piece)));
  yield searched(reader.end());
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
