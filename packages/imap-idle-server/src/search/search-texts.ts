// The last source of a search: the octets of a message. Those of most messages are read many messages at once and
// searched in one go; of a large one piece by piece, with little of it held.
import { type ByteRange, glanceAtStructure, type MailStore, type MessageDetails } from "@pushmail/mailstore";
import type { Wanted } from "../fetch/read-groups.ts";
import { ReadRooms } from "../fetch/read-rooms.ts";
import type { Candidate, Needle } from "./candidate.ts";
import { READ_ROOM_OCTETS_MAX, type SearchLimits } from "./limits.ts";
import { messageTexts } from "./message-texts.ts";
import { NeedleScan } from "./needle-scan.ts";
import type { SearchPlan } from "./search-plan.ts";
import { readText } from "./text-reader.ts";
import { hullOf, textSpans, type TextSpan } from "./text-spans.ts";

/** Which texts of a message are looked at. */
export interface TextChoice extends Pick<SearchLimits, "headerBytesMax" | "heldOctetsMax"> {
  readonly in: "header" | "bodies" | "all";
}

/** A message in which a search looks. */
export interface SearchedMessage {
  readonly message: MessageDetails;
  readonly choice: TextChoice;
  /** All that is read of it. */
  readonly hull: ByteRange;
}

/** Each search holds two groups, of a few octets more than their bound. */
export function searchRooms({ detailedSearchesMax, groupOctetsMax }: SearchLimits): ReadRooms {
  const octets = Math.min(2 * groupOctetsMax, READ_ROOM_OCTETS_MAX);
  return new ReadRooms({ keptMax: 2 * detailedSearchesMax, octets });
}

/** What a search looks at. */
export function chooseTexts({ needles }: SearchPlan, limits: SearchLimits): TextChoice {
  const isAllIn = (place: Needle["in"]): boolean => needles.every((needle) => needle.in === place);
  return { ...limits, in: isAllIn("field") ? "header" : isAllIn("body") ? "bodies" : "all" };
}

/**
 * What must be read of a message; nothing where that is too much to be held. A small one is read whole: so its checksum
 * can be verified at once, and its summary is opened for one step alone. What is opened and held while octets are read
 * outlives young collections, and where many last V8 makes the next ones in old space (with fifty searches under way 207
 * KiB a search of 90 messages got there, now 70).
 */
export function wantTexts(message: MessageDetails, choice: TextChoice): Wanted<SearchedMessage> {
  const isWhole = choice.in !== "header" && message.sizeBytes <= choice.heldOctetsMax;
  const hull = isWhole ? { start: 0, end: message.sizeBytes } : hullOf(spansIn(message, choice));
  const octets = hull.end - hull.start;
  const isHeld = octets > 0 && octets <= choice.heldOctetsMax;
  return { item: { message, choice, hull }, ranges: isHeld ? [{ blob: message.blob, ...hull }] : [] };
}

/** The places in a message that are looked at. */
export function spansIn({ summary }: MessageDetails, choice: TextChoice): readonly TextSpan[] {
  const spans = [...textSpans(glanceAtStructure(summary), choice.headerBytesMax)];
  if (choice.in === "header") return spans.slice(0, 1);
  return choice.in === "bodies" ? spans.filter(({ type }) => type === "body") : spans;
}

/** Puts the test to a message whose octets are held, from the hull's start on. */
export function testHeld(
  plan: SearchPlan,
  candidate: Candidate,
  { message, choice, hull }: SearchedMessage,
  octets: Uint8Array,
): boolean {
  const scan = new NeedleScan(plan.needles);
  const known = { ...candidate, found: scan.found };
  for (const { type, part, start, end } of spansIn(message, choice)) {
    const span = octets.subarray(start - hull.start, end - hull.start);
    if (type === "header") scan.takeHeader(asBuffer(span));
    else scan.takeText(readText(part, span));
    const truth = plan.test(known);
    if (truth !== undefined) return truth;
  }
  return testAtEnd(plan, known, scan);
}

export interface PiecesOptions {
  readonly store: MailStore;
  readonly limits: SearchLimits;
  /** Called between two pieces. */
  readonly rest: () => Promise<void> | undefined;
}

/** Puts the test to a message as its texts are read, until it is decided. */
export async function testPieces(
  plan: SearchPlan,
  candidate: Candidate,
  { message, choice }: SearchedMessage,
  { store, limits, rest }: PiecesOptions,
): Promise<boolean> {
  const scan = new NeedleScan(plan.needles);
  const known = { ...candidate, found: scan.found };
  const overlap = Math.max(...plan.needles.map(({ inBody }) => inBody.folded.length - 1));
  const spans = spansIn(message, choice);
  for await (const text of messageTexts(spans, (range) => store.body(message.blob, range), { limits, overlap })) {
    if ("header" in text) scan.takeHeader(text.header);
    else scan.takeText(text.piece);
    const truth = plan.test(known);
    if (truth !== undefined) return truth;
    await rest();
  }
  return testAtEnd(plan, known, scan);
}

function testAtEnd(plan: SearchPlan, known: Candidate, scan: NeedleScan): boolean {
  scan.finish();
  const truth = plan.test(known);
  if (truth === undefined) throw new Error("a message that is all known is still undecided");
  return truth;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
