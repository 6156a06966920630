// Where SEARCH looks in a message: at its header, then at header and text of each part in order, and nowhere else.
import type { BodyPart, ByteRange } from "@pushmail/mailstore";

export interface TextSpan extends ByteRange {
  readonly type: "header" | "body";
  readonly part: BodyPart;
}

/** The spans of a message, or of a part and what is in it; at most `headerBytesMax` of each header. */
export function* textSpans(part: BodyPart, headerBytesMax: number): Generator<TextSpan> {
  const { headerStart, bodyStart, bodyEnd } = part;
  yield { type: "header", part, start: headerStart, end: Math.min(bodyStart, headerStart + headerBytesMax) };
  if (isReadable(part)) yield { type: "body", part, start: bodyStart, end: bodyEnd };
  for (const inner of part.message === null ? part.parts : [part.message.structure]) {
    yield* textSpans(inner, headerBytesMax);
  }
}

/** What holds all spans, which ascend; empty where there are none. */
export function hullOf(spans: readonly TextSpan[]): ByteRange {
  const start = spans[0]?.start ?? 0;
  return { start, end: spans.reduce((end, span) => Math.max(end, span.end), start) };
}

/** RFC 3501 6.4.4: TEXT and MESSAGE are never left out; of the latter some have no structure, as delivery reports. */
function isReadable({ type, message }: BodyPart): boolean {
  return /^text$/i.test(type) || (/^message$/i.test(type) && message === null);
}
