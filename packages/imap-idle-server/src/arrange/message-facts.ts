// What SORT and THREAD go by (RFC 5256 3, RFC 5957), each made of a message as one number: of its own, or that of a text.
import type { SortKey } from "@pushmail/imap-wire";
import { decodeHeaderValue, messageIds, type EnvelopeAddress, type MessageDetails } from "@pushmail/mailstore";
import { sentTimeMs } from "../search/sent-time.ts";
import { baseSubject } from "./base-subject.ts";
import { collationKey } from "./collation-key.ts";
import type { TextPool } from "./text-pool.ts";

/** A key of SORT, or to whom a message links: a list of its own message id and those that it refers to. */
export type FactName = SortKey | "LINKS";

interface Fact {
  readonly source: "metadata" | "details";
  of(message: MessageDetails, texts: TextPool): number;
}

export const FACTS: Record<FactName, Fact> = {
  ARRIVAL: { source: "metadata", of: ({ internalDateMs }) => internalDateMs },
  CC: { source: "details", of: ({ summary }, texts) => texts.numberOf(mailboxOf(summary.envelope.cc[0])) },
  DATE: { source: "details", of: sentOrArrivedMs },
  DISPLAYFROM: { source: "details", of: ({ summary }, texts) => texts.numberOf(displayOf(summary.envelope.from[0])) },
  DISPLAYTO: { source: "details", of: ({ summary }, texts) => texts.numberOf(displayOf(summary.envelope.to[0])) },
  FROM: { source: "details", of: ({ summary }, texts) => texts.numberOf(mailboxOf(summary.envelope.from[0])) },
  LINKS: { source: "details", of: linksOf },
  SIZE: { source: "metadata", of: ({ sizeBytes }) => sizeBytes },
  SUBJECT: { source: "details", of: subjectOf },
  TO: { source: "details", of: ({ summary }, texts) => texts.numberOf(mailboxOf(summary.envelope.to[0])) },
};

/** RFC 5256 2.2: where no Date says when it was sent, it was when it came. */
function sentOrArrivedMs({ summary, internalDateMs }: MessageDetails): number {
  return sentTimeMs(summary.envelope.date ?? "") ?? internalDateMs;
}

/** Twice the number of the base subject, and one more of a reply: both are found in one way through it. */
function subjectOf({ summary }: MessageDetails, texts: TextPool): number {
  const { base, isReply } = baseSubject(decodeHeaderValue(summary.envelope.subject ?? ""));
  return 2 * texts.numberOf(collationKey(base)) + (isReply ? 1 : 0);
}

/** The number of the base subject. */
export function baseOf(subject: number): number {
  return subject >>> 1;
}

/** Whether the subject is that of a reply or of a forward (RFC 5256 3, REFERENCES step 5). */
export function isOfReply(subject: number): boolean {
  return subject % 2 === 1;
}

/** The message's own id first, empty where it has none. */
function linksOf({ summary: { envelope, references } }: MessageDetails, texts: TextPool): number {
  const [own = ""] = messageIds(envelope.messageId ?? "");
  // RFC 5256 3, REFERENCES step 1: where there are none, the first message id of In-Reply-To.
  const others = references.length > 0 ? references : messageIds(envelope.inReplyTo ?? "").slice(0, 1);
  return texts.listOf([own, ...others]);
}

/** RFC 5256 3: the local part of the first address; of a group its name. */
function mailboxOf(address: EnvelopeAddress | undefined): string {
  return collationKey(decodeHeaderValue(address?.mailbox ?? ""));
}

/** RFC 5957 2: the name that is shown, or the whole address where there is none. */
function displayOf(address: EnvelopeAddress | undefined): string {
  if (address === undefined) return "";
  const { name, mailbox, host } = address;
  const shown = name ?? (host === null ? mailbox : `${mailbox}@${host}`);
  return collationKey(decodeHeaderValue(shown ?? ""));
}
