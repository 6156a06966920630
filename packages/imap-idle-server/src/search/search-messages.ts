// The way of a search: all messages by the index, the undecided ones by metadata, then by their summaries and octets.
// Each source is asked about those alone that the sources before it left open. What is held is a number a message, and
// the event loop is shared.
import type { SearchKey } from "@pushmail/imap-wire";
import {
  uidSetOf,
  type Cursor,
  type MessageDetails,
  type MessageIndex,
  type Uid,
  type UidSet,
} from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import type { StoredMessage } from "../fetch/load-messages.ts";
import { readAhead } from "../fetch/read-ahead.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { uidBatches } from "../fetch/uid-batches.ts";
import type { MailboxView } from "../mailbox-view.ts";
import type { Candidate } from "./candidate.ts";
import { messageTexts, openMessage, type MessageText, type ReadOctets } from "./message-texts.ts";
import { NeedleScan } from "./needle-scan.ts";
import { SEARCH_LIMITS } from "./limits.ts";
import { searchBounds } from "./search-bounds.ts";
import { planSearch, type SearchPlan } from "./search-plan.ts";

export interface FoundMessages {
  /** Ascending. */
  readonly uids: Uint32Array;
  /** The highest of them; undefined where nothing was found. */
  readonly modSeq: Cursor | undefined;
}

interface Search {
  readonly session: Session;
  readonly state: Selected;
  readonly plan: SearchPlan;
  readonly slice: TimeSlice;
  readonly found: Uid[];
  modSeq: Cursor | undefined;
}

/** Finds the messages that the client knows and the key describes. */
export async function searchMessages(session: Session, state: Selected, key: SearchKey): Promise<FoundMessages> {
  // The view is ready once the index is.
  await session.index(state);
  const { view, handle } = state;
  const plan = planSearch(key, { view, nowMs: session.now() });
  // Flushing finds out that a client has left: nothing else is written until the end.
  const slice = new TimeSlice(() => session.flush());
  const search: Search = { session, state, plan, slice, found: [], modSeq: undefined };
  let open = await uidsOf(sift(search, byIndex(view, searchBounds(key, view))));
  if (plan.usesMetadata)
    open = await uidsOf(
      sift(
        search,
        inBatches(open, (set) => handle.metadata(set)),
      ),
    );
  await siftByTexts(
    search,
    sift(
      search,
      inBatches(open, (set) => handle.details(set)),
    ),
  );
  return { uids: Uint32Array.from(search.found).sort(), modSeq: search.modSeq };
}

function* byIndex(view: MailboxView, uids: UidSet): Generator<readonly StoredMessage[]> {
  for (const batch of uidBatches(view, uids, SEARCH_LIMITS.batchMessagesMax)) yield batch.map((uid) => ({ uid }));
}

async function* inBatches<Stored>(
  uids: readonly Uid[],
  load: (set: UidSet) => AsyncIterable<readonly Stored[]>,
): AsyncGenerator<readonly Stored[]> {
  const size = SEARCH_LIMITS.batchMessagesMax;
  for (let at = 0; at < uids.length; at += size) yield* load(uidSetOf(uids.slice(at, at + size)));
}

async function uidsOf(batches: AsyncIterable<readonly StoredMessage[]>): Promise<readonly Uid[]> {
  const uids: Uid[] = [];
  for await (const batch of batches) for (const { uid } of batch) uids.push(uid);
  return uids;
}

/** Keeps what is found, and gives what is still open. */
async function* sift<Stored extends StoredMessage>(
  search: Search,
  batches: AsyncIterable<readonly Stored[]> | Iterable<readonly Stored[]>,
): AsyncGenerator<readonly Stored[]> {
  const { session, state, plan, slice } = search;
  for await (const batch of batches) {
    const open: Stored[] = [];
    let index = await session.index(state);
    for (const stored of batch) {
      const candidate = candidateOf(state.view, index, stored);
      // Another session may have expunged it: then there is nothing to be found.
      if (candidate === undefined) continue;
      const truth = plan.test(candidate);
      if (truth === undefined) open.push(stored);
      else if (truth) keep(search, candidate);
      const rest = slice.rest();
      if (rest === undefined) continue;
      await rest;
      index = await session.index(state);
    }
    yield open;
  }
}

/** Decides by the octets of messages on those that nothing else has decided on. */
async function siftByTexts(search: Search, open: AsyncIterable<readonly MessageDetails[]>): Promise<void> {
  const { session, state, plan, slice } = search;
  const isHeaderEnough = plan.needles.every((needle) => needle.in === "field");
  const read = (message: MessageDetails): Promise<ReadOctets> =>
    openMessage(session.store, message, { isHeaderEnough });
  for await (const [message, octets] of readAhead(open, SEARCH_LIMITS.readAheadMax, read)) {
    const candidate = candidateOf(state.view, await session.index(state), message);
    if (candidate === undefined) continue;
    if (await testTexts(search, candidate, messageTexts(message.summary.structure, octets))) keep(search, candidate);
    await slice.rest();
  }
}

/** Puts the test to a message as its texts come along, until it is decided. */
async function testTexts(
  { plan, slice }: Search,
  candidate: Candidate,
  texts: AsyncIterable<MessageText>,
): Promise<boolean> {
  const scan = new NeedleScan(plan.needles);
  for await (const text of texts) {
    scan.take(text);
    const truth = plan.test({ ...candidate, found: scan.found });
    if (truth !== undefined) return truth;
    await slice.rest();
  }
  scan.finish();
  const truth = plan.test({ ...candidate, found: scan.found });
  if (truth === undefined) throw new Error("a message that is all known is still undecided");
  return truth;
}

function keep(search: Search, { uid, modSeq }: Candidate): void {
  search.found.push(uid);
  if (search.modSeq === undefined || modSeq > search.modSeq) search.modSeq = modSeq;
}

function candidateOf(view: MailboxView, index: MessageIndex, stored: StoredMessage): Candidate | undefined {
  const row = index.rowOf(stored.uid);
  if (row < 0) return undefined;
  return {
    uid: stored.uid,
    flags: index.flagsAt(row),
    isRecent: view.isRecent(stored.uid),
    modSeq: index.modSeqAt(row),
    metadata: "sizeBytes" in stored ? stored : undefined,
    summary: "summary" in stored ? stored.summary : undefined,
    found: [],
  };
}
