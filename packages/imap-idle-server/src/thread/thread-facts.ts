// What threading goes by: who each message is, whom it refers to, what it is about and when it was sent.
import type { ThreadAlgorithm } from "@pushmail/imap-wire";
import { decodeHeaderValue, messageIds, uidSetOf, type MessageDetails, type Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";
import { baseSubject, type BaseSubject } from "../sort/base-subject.ts";
import { sentOrArrivedMs } from "../sort/sort-messages.ts";
import { collationKey } from "../sort/collation-key.ts";

/** Column by column; a message is a row, in the order of the mailbox. What an algorithm has no use for is empty. */
export interface ThreadFacts {
  readonly uids: readonly Uid[];
  readonly sentMs: readonly number[];
  readonly arrivedMs: readonly number[];
  readonly subjects: readonly BaseSubject[];
  /** Undefined where it has none. */
  readonly ids: readonly (string | undefined)[];
  /** The oldest first. */
  readonly references: readonly (readonly string[])[];
}

type Draft = { readonly [Name in keyof ThreadFacts]: ThreadFacts[Name][number][] };

/** What an algorithm goes by, of those of the messages that are still there. */
export async function loadThreadFacts(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  { algorithm, slice }: { readonly algorithm: ThreadAlgorithm; readonly slice: TimeSlice },
): Promise<ThreadFacts> {
  const facts: Draft = { uids: [], sentMs: [], arrivedMs: [], subjects: [], ids: [], references: [] };
  slice.goal = uids.length;
  const { batchMessagesMax } = session.limits.search;
  for (let at = 0; at < uids.length; at += batchMessagesMax) {
    for await (const batch of state.handle.details(uidSetOf(uids.subarray(at, at + batchMessagesMax)))) {
      for (const message of batch) {
        addDates(facts, message);
        if (algorithm !== "REFS") addSubject(facts, message);
        if (algorithm !== "ORDEREDSUBJECT") addIds(facts, message);
      }
      slice.done += batch.length;
      await slice.rest();
    }
  }
  return facts;
}

function addDates(facts: Draft, message: MessageDetails): void {
  facts.uids.push(message.uid);
  facts.sentMs.push(sentOrArrivedMs(message));
  facts.arrivedMs.push(message.internalDateMs);
}

function addSubject(facts: Draft, { summary }: MessageDetails): void {
  const { base, isReply } = baseSubject(decodeHeaderValue(summary.envelope.subject ?? ""));
  facts.subjects.push({ base: collationKey(base), isReply });
}

function addIds(facts: Draft, { summary: { envelope, references } }: MessageDetails): void {
  facts.ids.push(messageIds(envelope.messageId ?? "")[0]);
  // RFC 5256 3, REFERENCES step 1: where there are none, the first message id of In-Reply-To.
  facts.references.push(references.length > 0 ? references : messageIds(envelope.inReplyTo ?? "").slice(0, 1));
}
