// Where the parts of a message lie, by the numbers that IMAP gives them (RFC 9051 6.4.5.1).
import type { BodyPart, MessageSummary } from "./summary.ts";

/** Bytes of the message, from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Which bytes of a part or message: those of its MIME header, or of the header or text of the message that it is. */
export type SectionText = "HEADER" | "TEXT" | "MIME";

/** The part at a path of part numbers from the outermost in; undefined where there is none. */
export function findPart(summary: MessageSummary, path: readonly number[]): BodyPart | undefined {
  // A message that is no multipart has one part: its body.
  let candidates = partsOf(summary.structure);
  let part: BodyPart | undefined;
  for (const number of path) {
    part = candidates[number - 1];
    if (part === undefined) return undefined;
    // Numbers inside a message/rfc822 are those of the message in it.
    candidates = part.message === null ? part.parts : partsOf(part.message.structure);
  }
  return part;
}

/**
 * The bytes of BODY[path.text], or of BODY[path] where `text` is null; an empty path is the message itself. Undefined
 * where there is no such part, or it has no such text: only messages have HEADER and TEXT, only parts have MIME.
 */
export function findSection(
  summary: MessageSummary,
  path: readonly number[],
  text: SectionText | null,
): ByteRange | undefined {
  if (path.length === 0) {
    if (text === null) return { start: 0, end: summary.sizeBytes };
    return text === "MIME" ? undefined : textOf(summary.structure, text);
  }
  const part = findPart(summary, path);
  if (part === undefined) return undefined;
  if (text === null) return { start: part.bodyStart, end: part.bodyEnd };
  if (text === "MIME") return { start: part.headerStart, end: part.bodyStart };
  return part.message === null ? undefined : textOf(part.message.structure, text);
}

function partsOf(structure: BodyPart): readonly BodyPart[] {
  return structure.parts.length > 0 ? structure.parts : [structure];
}

/** The root of a message has the message's own header and body. */
function textOf(root: BodyPart, text: "HEADER" | "TEXT"): ByteRange {
  return text === "HEADER"
    ? { start: root.headerStart, end: root.bodyStart }
    : { start: root.bodyStart, end: root.bodyEnd };
}
