// Summaries as bytes, for the store: ENVELOPE and BODYSTRUCTURE as FETCH tells them, so that telling them costs no more
// than copying them, and before them as numbers what they do not say. The first byte is the version.
import { isMultipart, printBodyStructure, printEnvelope } from "@pushmail/imap-wire";
import { HEAD_NUMBERS, StoredSummary, SUMMARY_VERSION } from "./stored-summary.ts";
import type { BodyPart, MessageSummary } from "./summary.ts";
import { joinSummary, writeNumber } from "./summary-bytes.ts";

/** The summary as bytes. */
export function encodeSummary(summary: MessageSummary): Uint8Array {
  const { sizeBytes, references, isInternationalized, preview, envelope, structure } = summary;
  // Ids have no blanks in them.
  const texts = [printEnvelope(envelope), printBodyStructure(structure), references.join(" ")];
  const numbers: number[] = [];
  for (const value of [sizeBytes, ...texts.map(({ length }) => length)]) writeNumber(numbers, value);
  writeNumber(numbers, isInternationalized ? 1 : 0);
  // None is not the same as an empty one.
  writeNumber(numbers, preview === undefined ? 0 : preview.length + 1);
  writePlaces(numbers, structure, 0);
  return joinSummary(SUMMARY_VERSION, numbers, texts.join("") + (preview ?? ""));
}

/** The summary that was encoded; undefined where it is of another version and must be made again from the message. */
export function decodeSummary(bytes: Uint8Array): StoredSummary | undefined {
  return HEAD_NUMBERS.has(bytes[0] as number) ? new StoredSummary(bytes) : undefined;
}

/** Where the parts lie, in the order in which they are printed; as distances from `origin`, the start of what they lie in. */
function writePlaces(numbers: number[], part: BodyPart, origin: number): void {
  const { headerStart, bodyStart, bodyEnd, lines, message } = part;
  for (const value of [headerStart - origin, bodyStart - headerStart, bodyEnd - bodyStart, lines]) {
    writeNumber(numbers, value);
  }
  if (isMultipart(part)) {
    writeNumber(numbers, part.parts.length);
    for (const child of part.parts) writePlaces(numbers, child, bodyStart);
  } else if (message !== null) writePlaces(numbers, message.structure, bodyStart);
}
