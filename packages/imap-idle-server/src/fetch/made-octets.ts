// Octets that are not those of the message but made of them, too many to be held: out of a transfer encoding, or with other
// headers. An answer begins with how much follows, so that they are made twice: counted, then told, with little of them held.
import type { PartialRange } from "@pushmail/imap-wire";
import type { ByteRange } from "@pushmail/mailstore";
import { transferDecoder } from "../search/transfer-decoder.ts";
import { cut } from "./locate-section.ts";

/** Which of them are told; `make` may be called again and again. */
export interface MadeOctets {
  readonly told: ByteRange;
  readonly make: () => AsyncIterable<Uint8Array>;
}

/** Counts what there is to be told. */
export async function countMade(make: MadeOctets["make"], partial: PartialRange | null): Promise<MadeOctets> {
  let end = 0;
  for await (const piece of make()) end += piece.length;
  return { make, told: cut({ start: 0, end }, partial) };
}

/** The octets that were counted. */
export async function* madeOctets({ make, told }: MadeOctets): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of make()) {
    const wanted = piece.subarray(Math.max(0, told.start - at), Math.max(0, told.end - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= told.end) return;
  }
}

/** Octets out of their transfer encoding. */
export async function* decodedOctets(pieces: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Buffer> {
  const decode = transferDecoder(encoding);
  for await (const piece of pieces) {
    yield decode(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), { isLast: false });
  }
  yield decode(Buffer.alloc(0), { isLast: true });
}
