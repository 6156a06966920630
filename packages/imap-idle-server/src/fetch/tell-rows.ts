// What the index alone has of messages, told row by row. Many are printed in one go, by a function that waits for nothing:
// V8 compiles no loop while it runs in which something is awaited, so that ten thousand messages took half as long again.
import type { MessageIndex, Uid, UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { isByUid } from "../response-form.ts";
import { printFlagSet } from "./print-flag-set.ts";
import type { TimeSlice } from "./time-slice.ts";

/** Rows that are printed before the clock is looked at. */
const ROWS_AT_ONCE = 64;

/** The items that need no more than the index. */
export type RowItem = "UID" | "FLAGS" | "MODSEQ" | "THREADID";

/** What tells that flags were changed; `silent` where the client knows them. */
export function itemsOfChange(session: Session, { silent }: { readonly silent: boolean }): readonly RowItem[] {
  const items: RowItem[] = isByUid(session) ? [] : ["UID"];
  if (!silent) items.push("FLAGS");
  // RFC 7162 3.2
  if (silent || session.isEnabled("CONDSTORE")) items.push("MODSEQ");
  return items;
}

export interface RowsToTell {
  readonly uids: UidSet;
  readonly items: readonly RowItem[];
  /** Only messages with a higher MODSEQ; null for all. */
  readonly changedSince: number | null;
  readonly slice: TimeSlice;
}

/** Tells the messages of a set that the client knows; gives whether all of them were still there. */
export async function tellRows(session: Session, state: Selected, told: RowsToTell): Promise<boolean> {
  const { view } = state;
  const { slice } = told;
  let index = await session.index(state);
  let areThere = true;
  for (const [first, last] of told.uids) {
    const end = view.lowerBound(last + 1);
    let from = view.lowerBound(first);
    while (from < end) {
      const rows = [from, Math.min(end, from + ROWS_AT_ONCE)] as const;
      const printing = { state, index, told, byUid: isByUid(session), bytesMax: session.limits.outputBytesMax };
      const { text, missing, next } = printRows(printing, rows);
      if (missing > 0) areThere = false;
      slice.done += next - from;
      from = next;
      const wait = session.write(text) ?? slice.rest();
      if (wait === undefined) continue;
      await wait;
      index = await session.index(state);
    }
  }
  return areThere;
}

interface Printing {
  readonly state: Selected;
  readonly index: MessageIndex;
  readonly told: RowsToTell;
  readonly byUid: boolean;
  readonly bytesMax: number;
}

/** The rows from `from` on, up to `end` or beyond `bytesMax`: there `next` is. */
function printRows(
  { state: { view }, index, told, byUid, bytesMax }: Printing,
  [from, end]: readonly [from: number, end: number],
): { readonly text: string; readonly missing: number; readonly next: number } {
  const changedSince = told.changedSince ?? -1;
  const { uids } = view;
  let text = "";
  let missing = 0;
  let form: Form | undefined;
  let alikeEnd = 0;
  let row = from;
  for (; row < end && text.length <= bytesMax; row++) {
    const uid = uids[row] as Uid;
    const at = index.rowOf(uid);
    if (at < 0) missing++;
    if (at < 0 || (changedSince >= 0 && index.modSeqAt(at) <= changedSince)) continue;
    const isRecent = view.isRecent(uid);
    if (form?.isRecent !== isRecent || at >= alikeEnd) {
      // No further than is told here: the changes among a million may lie far from each other.
      alikeEnd = index.alikeEnd(at, Math.min(index.count, at + end - row));
      form = { isRecent, ...formOf(told.items, printFlagSet(index.flagsAt(at), { isRecent }), { byUid }) };
    }
    const { blanks } = form;
    for (let i = 0; i < blanks.length; i++) {
      const { before, number } = blanks[i] as Blank;
      text += before + (number === "row" ? row + 1 : number === "uid" ? uid : index.modSeqAt(at));
    }
    text += form.end;
  }
  return { text, missing, next: row };
}

/** A number, and the text that stands before it. */
interface Blank {
  readonly before: string;
  readonly number: "row" | "uid" | "modSeq";
}

interface Form {
  readonly isRecent: boolean;
  readonly blanks: readonly Blank[];
  readonly end: string;
}

/** What is told of all that have the same flags: they differ in numbers alone. */
function formOf(
  items: readonly RowItem[],
  flags: string,
  { byUid }: { readonly byUid: boolean },
): Omit<Form, "isRecent"> {
  const blanks: Blank[] = [{ before: "* ", number: byUid ? "uid" : "row" }];
  let text = byUid ? " UIDFETCH (" : " FETCH (";
  for (const [i, item] of items.entries()) {
    if (i > 0) text += " ";
    if (item === "FLAGS") text += `FLAGS ${flags}`;
    // RFC 8474 5.3: no threads are kept.
    else if (item === "THREADID") text += "THREADID NIL";
    else if (item === "UID") {
      blanks.push({ before: `${text}UID `, number: "uid" });
      text = "";
    } else {
      blanks.push({ before: `${text}MODSEQ (`, number: "modSeq" });
      text = ")";
    }
  }
  return { blanks, end: `${text})\r\n` };
}
