// The way of a search: all messages by the index, the undecided ones by metadata, then by their summaries and octets.
// Each source is asked about those alone that the sources before it left open, and the event loop is shared.
import type { SearchKey } from "@pushmail/imap-wire";
import type { Cursor, MessageDetails, MessageIndex, Uid, UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { loadMessages, type StoredMessage } from "../fetch/load-messages.ts";
import { readAhead } from "../fetch/read-ahead.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { uidBatches } from "../fetch/uid-batches.ts";
import type { MailboxView } from "../mailbox-view.ts";
import type { Candidate, Truth } from "./candidate.ts";
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

type Batches = AsyncIterable<readonly StoredMessage[]> | Iterable<readonly StoredMessage[]>;

/** Finds the messages that the client knows and the key describes. */
export async function searchMessages(session: Session, state: Selected, key: SearchKey): Promise<FoundMessages> {
  // The view is ready once the index is.
  await session.index(state);
  const plan = planSearch(key, { view: state.view, nowMs: session.now() });
  // Flushing finds out that a client has left: nothing else is written until the end.
  const slice = new TimeSlice(() => session.flush());
  const search: Search = { session, state, plan, slice, found: [], modSeq: undefined };
  let open = await sift(search, byIndex(state.view, searchBounds(key, state.view)));
  for (const source of ["metadata", "details"] as const) {
    if (open.length === 0 || !plan.sources.has(source)) continue;
    open = await sift(search, loadMessages(state.handle, source, open));
  }
  if (open.length > 0) throw new Error(`the search left ${open.length} messages undecided`);
  return { uids: Uint32Array.from(search.found).sort(), modSeq: search.modSeq };
}

function* byIndex(view: MailboxView, uids: UidSet): Generator<readonly StoredMessage[]> {
  for (const batch of uidBatches(view, uids, SEARCH_LIMITS.batchMessagesMax)) yield batch.map((uid) => ({ uid }));
}

/** Keeps what is found, and returns what is still open. */
async function sift(search: Search, batches: Batches): Promise<readonly Uid[]> {
  const { session, state, plan, slice } = search;
  const open: Uid[] = [];
  for await (const batch of batches) {
    const unread: MessageDetails[] = [];
    let index = await session.index(state);
    for (const stored of batch) {
      const candidate = candidateOf(state.view, index, stored);
      // Another session may have expunged it: then there is nothing to be found.
      if (candidate === undefined) continue;
      const truth = plan.test(candidate);
      if (truth === true) keep(search, candidate);
      else if (truth === undefined && "summary" in stored) unread.push(stored);
      else if (truth === undefined) open.push(stored.uid);
      const rest = slice.rest();
      if (rest === undefined) continue;
      await rest;
      index = await session.index(state);
    }
    await siftUnread(search, unread);
  }
  return open;
}

/** Decides on messages by their octets. */
async function siftUnread(search: Search, unread: readonly MessageDetails[]): Promise<void> {
  const { session, state, plan, slice } = search;
  const isHeaderEnough = plan.needles.every((needle) => needle.in === "field");
  const read = (message: MessageDetails): Promise<ReadOctets> =>
    openMessage(session.store, message, { isHeaderEnough });
  for await (const [message, octets] of readAhead(unread, SEARCH_LIMITS.readAheadMax, read)) {
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
): Promise<Truth> {
  const scan = new NeedleScan(plan.needles);
  for await (const text of texts) {
    scan.take(text);
    const truth = plan.test({ ...candidate, found: scan.found });
    if (truth !== undefined) return truth;
    await slice.rest();
  }
  scan.finish();
  return plan.test({ ...candidate, found: scan.found });
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
