// Messages as the index keeps them: the grams of every text that SEARCH would look at, read as it reads them.
import { headerFields, type MailStore, type MessageDetails } from "@pushmail/mailstore";
import type { DescribeMessages, DescribeTools, GramSet, IndexedMessage } from "@pushmail/search-index";
import { mapBatches, readGroups } from "../fetch/read-groups.ts";
import type { ReadRooms } from "../fetch/read-rooms.ts";
import { ENVELOPE_FIELDS } from "./envelope-fields.ts";
import { fieldText, fieldValue } from "./field-text.ts";
import { foldHeader } from "./fold-header.ts";
import type { SearchLimits } from "./limits.ts";
import { messageTexts } from "./message-texts.ts";
import { PieceCheck, readsAlikeInLines } from "./reads-alike.ts";
import { type SearchedMessage, searchRooms, spansIn, type TextChoice, wantTexts } from "./search-texts.ts";
import { readText } from "./text-reader.ts";

/** Rules out nothing: the message is looked at in each search. */
const UNKNOWN = new Uint8Array(0);
/** So much of a piece is taken again with the next one that a gram may begin in the one and end in the other. */
const OVERLAP = 3;

/** To be raised with every change of what SEARCH reads of a message. */
const TEXTS_VERSION = 3;
/** Letters that one rule of comparing texts takes for others than another does. */
const TELLING =
  "aZ \u00df\u1e9e\u017f\u0131\u0130\u01c6\u0149\ufb01\u03c3\u03c2\u03ac\u1fb3\u00e4a\u0308\u2460\uff21\ua64b\u{10428}\u{1e922}";

/** What the texts depend on beside the messages: how they are read and compared. */
export function describeFormat({ headerBytesMax, heldOctetsMax, lineBytesMax }: SearchLimits): string {
  const { unicode, icu } = process.versions;
  const bounds = { headerBytesMax, heldOctetsMax, lineBytesMax };
  return JSON.stringify({ version: TEXTS_VERSION, unicode, icu, telling: foldHeader(TELLING), ...bounds });
}

/** Describes the messages of a store. */
export function describeMessages(store: MailStore, limits: SearchLimits): DescribeMessages {
  const rooms = searchRooms(limits);
  return (messages, tools) => describeEach(messages, { ...tools, store, limits, rooms });
}

interface Describing extends DescribeTools {
  readonly store: MailStore;
  readonly limits: SearchLimits;
  readonly rooms: ReadRooms;
}

async function* describeEach(
  messages: Parameters<DescribeMessages>[0],
  tools: Describing,
): AsyncGenerator<IndexedMessage> {
  const { store, limits, rooms, rest } = tools;
  const choice: TextChoice = { ...limits, in: "all" };
  const wanted = mapBatches(messages, (message) => wantTexts(message, choice), rest);
  for await (const group of readGroups(store, wanted, { ...limits, rooms })) {
    for (const { item, octets } of group) {
      await rest();
      yield await describeMessage(item, octets[0], tools);
    }
  }
}

async function describeMessage(
  item: SearchedMessage,
  octets: Uint8Array | undefined,
  tools: Describing,
): Promise<IndexedMessage> {
  const { uid } = item.message;
  const envelope = describeEnvelope(item.message, tools.envelope);
  let isKnown = false;
  try {
    isKnown = octets === undefined ? await addPieces(item, tools) : addHeld(item, octets, tools);
  } catch {
    // It cannot be read: a search that looks at it tells why.
  }
  const message = tools.message.take();
  return { uid, envelope, message: isKnown ? message : UNKNOWN };
}

function describeEnvelope({ summary }: MessageDetails, grams: GramSet): Uint8Array {
  const { envelope } = summary;
  for (const read of ENVELOPE_FIELDS.values()) grams.add(foldHeader(read(envelope)));
  return grams.take();
}

/** Adds a message that is read whole; returns whether pieces of it would have no other texts. */
function addHeld(item: SearchedMessage, octets: Uint8Array, { message, limits }: Describing): boolean {
  const { hull } = item;
  for (const { type, part, start, end } of spansIn(item.message, item.choice)) {
    const span = octets.subarray(start - hull.start, end - hull.start);
    if (type === "header") {
      addHeader(span, message);
      continue;
    }
    const text = readText(part, span);
    message.add(text.folded);
    if (!text.isAscii && !readsAlikeInLines(part, span, limits.lineBytesMax)) return false;
  }
  return true;
}

/** The same for one that is read in pieces. */
async function addPieces({ message, choice }: SearchedMessage, tools: Describing): Promise<boolean> {
  const { store, limits, rest } = tools;
  const check = new PieceCheck();
  const read = (range: { readonly start: number; readonly end: number }) => store.body(message.blob, range);
  for await (const text of messageTexts(spansIn(message, choice), read, { limits, overlap: OVERLAP })) {
    if ("header" in text) addHeader(text.header, tools.message);
    else {
      tools.message.add(text.piece.folded);
      if (!check.take(text)) return false;
    }
    await rest();
  }
  return true;
}

function addHeader(octets: Uint8Array, grams: GramSet): void {
  for (const field of headerFields(octets)) grams.add(fieldText(field.name, fieldValue(field)));
}
