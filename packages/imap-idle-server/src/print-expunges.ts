// EXPUNGE responses, many in one piece: to wait behind each of thousands took longer than to print it.
import { printExpunge } from "@pushmail/imap-wire";
import type { RowRange } from "./uid-rows.ts";

const EXPUNGES_AT_ONCE = 500;

/** From the last to the first: no number that is still to come is moved by the ones before it. */
export function* printExpunges(expunged: readonly RowRange[], atOnce: number = EXPUNGES_AT_ONCE): Generator<string> {
  const range = expunged.length - 1;
  const place: Place = { range, row: expunged[range]?.[1] ?? 0 };
  while (place.range >= 0) yield printSome(expunged, place, atOnce);
}

/** The next row that is told. */
interface Place {
  range: number;
  row: number;
}

function printSome(expunged: readonly RowRange[], place: Place, atOnce: number): string {
  let text = "";
  for (let left = atOnce; left > 0 && place.range >= 0; left--) {
    text += printExpunge(place.row + 1);
    if (place.row-- > (expunged[place.range] as RowRange)[0]) continue;
    place.range--;
    place.row = expunged[place.range]?.[1] ?? 0;
  }
  return text;
}
