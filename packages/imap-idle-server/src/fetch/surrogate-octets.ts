// What a client is told of a message whose headers it could not read: the message with these in ASCII (RFC 6858).
import {
  DowngradedSummary,
  downgradeHeader,
  type BodyPart,
  type ByteRange,
  type MailStore,
  type MessageDetails,
} from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import type { FetchLimits } from "./limits.ts";

/** The message as such a client is told of it; most are in ASCII anyway. */
export function inAscii(message: MessageDetails): MessageDetails {
  const { summary } = message;
  return summary.isInternationalized ? { ...message, summary: new DowngradedSummary(summary) } : message;
}

/** Octets of the surrogate, in place of those of a range of the message; it cuts no header but one that is too long. */
export async function* surrogateOctets(
  store: Pick<MailStore, "body">,
  { blob, summary }: Pick<MessageDetails, "blob" | "summary">,
  range: ByteRange,
  { headerBytesMax }: FetchLimits,
): AsyncGenerator<Uint8Array> {
  let at = range.start;
  for (const header of headersIn(summary.structure)) {
    if (header.start < at || header.start >= range.end) continue;
    if (at < header.start) yield* store.body(blob, { start: at, end: header.start });
    at = Math.min(header.end, range.end);
    const end = Math.min(at, header.start + headerBytesMax);
    const octets = await collectOctets(store.body(blob, { start: header.start, end }));
    yield downgradeHeader(end < header.end ? endedEarly(octets) : octets);
  }
  if (at < range.end) yield* store.body(blob, { start: at, end: range.end });
}

/** The whole lines of a header that is cut, and a blank one. */
function endedEarly(octets: Buffer): Buffer {
  return Buffer.concat([octets.subarray(0, octets.lastIndexOf(10) + 1), Buffer.from("\r\n")]);
}

/** Where the headers of a message and of all that is in it are, in their order. */
function* headersIn(part: BodyPart): Generator<ByteRange> {
  if (part.bodyStart > part.headerStart) yield { start: part.headerStart, end: part.bodyStart };
  for (const child of part.parts) yield* headersIn(child);
  if (part.message !== null) yield* headersIn(part.message.structure);
}
