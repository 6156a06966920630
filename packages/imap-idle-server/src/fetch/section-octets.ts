// The octets of a section, held or not, as they are passed on.
import type { ByteRange, MailStore, MessageDetails } from "@pushmail/mailstore";
import { madeOctets, type MadeOctets } from "./made-octets.ts";

/** Octets, or where they are in the message, or what makes them of it. */
export type SectionOctets = Uint8Array | ByteRange | MadeOctets;

/** How many there are. */
export function countOf(octets: SectionOctets): number {
  if (octets instanceof Uint8Array) return octets.length;
  const { start, end } = "told" in octets ? octets.told : octets;
  return end - start;
}

/** All of them, with little of them held; fails where they are not as many as there should be. */
export async function* readOctets(
  store: Pick<MailStore, "body">,
  { blob }: Pick<MessageDetails, "blob">,
  octets: SectionOctets,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of piecesOf(store, blob, octets)) {
    read += piece.length;
    yield piece;
  }
  if (read !== countOf(octets)) throw new Error(`${read} octets where ${countOf(octets)} were announced`);
}

function piecesOf(
  store: Pick<MailStore, "body">,
  blob: MessageDetails["blob"],
  octets: SectionOctets,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (octets instanceof Uint8Array) return [octets];
  return "told" in octets ? madeOctets(octets) : store.body(blob, octets);
}
