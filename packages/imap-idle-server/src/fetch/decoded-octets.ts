// A long part without its transfer encoding. An answer begins with how much follows, so that it is read twice: counted, then
// told, with little of it held.
import type { BlobId, ByteRange, MailStore } from "@pushmail/mailstore";
import { transferDecoder } from "../search/transfer-decoder.ts";
import { cut, type Decoding } from "./locate-section.ts";

/** Which decoded octets are told of which encoded ones. */
export interface DecodedRange {
  readonly encoded: ByteRange;
  readonly encoding: string;
  /** Counted in decoded octets. */
  readonly told: ByteRange;
}

/** Counts what there is to be told. */
export async function countDecoded(
  store: Pick<MailStore, "body">,
  blob: BlobId,
  encoded: ByteRange,
  { encoding, partial }: Decoding,
): Promise<DecodedRange> {
  let end = 0;
  for await (const piece of decoded(store.body(blob, encoded), encoding)) end += piece.length;
  return { encoded, encoding, told: cut({ start: 0, end }, partial) };
}

/** The octets that were counted. */
export async function* decodedOctets(
  store: Pick<MailStore, "body">,
  blob: BlobId,
  { encoded, encoding, told }: DecodedRange,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of decoded(store.body(blob, encoded), encoding)) {
    const wanted = piece.subarray(Math.max(0, told.start - at), Math.max(0, told.end - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= told.end) return;
  }
}

async function* decoded(pieces: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Buffer> {
  const decode = transferDecoder(encoding);
  for await (const piece of pieces) {
    yield decode(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), { isLast: false });
  }
  yield decode(Buffer.alloc(0), { isLast: true });
}
