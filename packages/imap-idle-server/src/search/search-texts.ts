// The last source of a search: the octets of a message. Those of most messages are read many messages at once and
// searched in one go; of a large one piece by piece, with little of it held.
import type { ByteRange, MailStore, MessageDetails } from "@pushmail/mailstore";
import type { Wanted } from "../fetch/read-groups.ts";
import type { Candidate } from "./candidate.ts";
import type { SearchLimits } from "./limits.ts";
import { messageTexts } from "./message-texts.ts";
import { NeedleScan } from "./needle-scan.ts";
import type { SearchPlan } from "./search-plan.ts";
import { readText } from "./text-reader.ts";
import { hullOf, textSpans, type TextSpan } from "./text-spans.ts";

/** A message with the places in it where a search looks. */
export interface SearchedMessage {
  readonly message: MessageDetails;
  readonly spans: readonly TextSpan[];
  /** All that is read of it. */
  readonly hull: ByteRange;
}

/** What must be read of a message; nothing where that is too much to be held. */
export function wantTexts(message: MessageDetails, plan: SearchPlan, limits: SearchLimits): Wanted<SearchedMessage> {
  return wantSpans(message, spansOf(message, plan, limits), limits);
}

/** What must be read of a message for some spans of it. */
export function wantSpans(
  message: MessageDetails,
  spans: readonly TextSpan[],
  limits: SearchLimits,
): Wanted<SearchedMessage> {
  // A small message is read whole: so its checksum can be verified at once.
  const isSmall = spans.length > 1 && message.sizeBytes <= limits.heldOctetsMax;
  const hull = isSmall ? { start: 0, end: message.sizeBytes } : hullOf(spans);
  const octets = hull.end - hull.start;
  const isHeld = octets > 0 && octets <= limits.heldOctetsMax;
  return { item: { message, spans, hull }, ranges: isHeld ? [{ blob: message.blob, ...hull }] : [] };
}

function spansOf({ summary }: MessageDetails, { needles }: SearchPlan, { headerBytesMax }: SearchLimits): TextSpan[] {
  const spans = [...textSpans(summary.structure, headerBytesMax)];
  if (needles.every((needle) => needle.in === "field")) return spans.slice(0, 1);
  return needles.every((needle) => needle.in === "body") ? spans.filter(({ type }) => type === "body") : spans;
}

/** Puts the test to a message whose octets are held, from the hull's start on. */
export function testHeld(
  plan: SearchPlan,
  candidate: Candidate,
  { spans, hull }: SearchedMessage,
  octets: Uint8Array,
): boolean {
  const scan = new NeedleScan(plan.needles);
  const known = { ...candidate, found: scan.found };
  for (const { type, part, start, end } of spans) {
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
  { message, spans }: SearchedMessage,
  { store, limits, rest }: PiecesOptions,
): Promise<boolean> {
  const scan = new NeedleScan(plan.needles);
  const known = { ...candidate, found: scan.found };
  const overlap = Math.max(...plan.needles.map(({ inBody }) => inBody.folded.length - 1));
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
