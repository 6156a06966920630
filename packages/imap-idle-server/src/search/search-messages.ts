// The way of a search: all messages by the index, the undecided ones by metadata, then by their summaries and octets.
// Each source is asked about those alone that the sources before it left open. What is held is a number a message, and
// the event loop is shared.
import type { SearchKey } from "@pushmail/imap-wire";
import {
  uidSetOf,
  type MessageDetails,
  type MessageIndex,
  type MessageMetadata,
  type Uid,
  type UidSet,
} from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { DamagedMessages } from "../damaged-messages.ts";
import type { StoredMessage } from "../fetch/load-messages.ts";
import { mapBatches, readGroups, type ReadItem } from "../fetch/read-groups.ts";
import { stepThrough } from "../fetch/step-through.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { uidBatches } from "../fetch/uid-batches.ts";
import type { Candidate, Truth } from "./candidate.ts";
import { searchBounds } from "./search-bounds.ts";
import { planSearch, type SearchPlan } from "./search-plan.ts";
import { SearchTurn } from "./search-turn.ts";
import { chooseTexts, testHeld, testPieces, wantTexts, type SearchedMessage } from "./search-texts.ts";

const NOTHING_FOUND: readonly Truth[] = [];

interface Search {
  readonly session: Session;
  readonly state: Selected;
  readonly plan: SearchPlan;
  readonly slice: TimeSlice;
  /** Within which it works on summaries and texts. */
  readonly turn: SearchTurn;
  readonly found: Uid[];
  readonly damaged: DamagedMessages;
  ruledOut: (uid: Uid) => number;
}

/** Finds the messages that the client knows and the key describes; ascending. */
export async function searchMessages(session: Session, state: Selected, key: SearchKey): Promise<Uint32Array> {
  // The view is ready once the index is.
  const index = await session.index(state);
  const { view } = state;
  const plan = planSearch(key, { state, nowMs: session.server.dateMs() });
  // Flushing finds out that a client has left: nothing else is written until the end.
  const turn = new SearchTurn(session.server.searchSlots);
  const slice = new TimeSlice(
    session,
    () => session.flush(),
    (wait) => turn.aside(wait),
  );
  const damaged = new DamagedMessages(session);
  const search: Search = { session, state, plan, slice, turn, found: [], damaged, ruledOut: () => 0 };
  const { batchMessagesMax } = session.limits.search;
  const bounds = searchBounds(key, view, index);
  slice.goal = view.countOf(bounds);
  let open = await siftByIndex(search, uidBatches(view, bounds, batchMessagesMax));
  if (await askIndex(search, open)) open = await siftByIndex(search, [open]);
  if (plan.usesMetadata) {
    open = await uidsOf(sift(search, metadataOf(search, open)));
  }
  const undecided: Undecided = { uids: open, done: 0 };
  while (undecided.done < open.length) {
    await turn.during(() => siftByTexts(search, sift(search, detailsOfTurn(search, undecided))));
  }
  await damaged.tell();
  return Uint32Array.from(search.found).sort();
}

/** Asks the index, where there is one, what the open messages do not have; returns whether that is known. */
async function askIndex(search: Search, open: readonly Uid[]): Promise<boolean> {
  const { session, state, plan } = search;
  const [first, last] = [open[0], open.at(-1)];
  if (first === undefined || last === undefined || plan.texts.length === 0) return false;
  if (open.length <= session.limits.search.scannedMessagesMax) return false;
  const at = { account: state.handle.account, mailbox: state.handle.id };
  const ruledOut = await session.server.searchIndex?.ruledOut(at, plan.texts, [first, last]);
  search.ruledOut = ruledOut ?? search.ruledOut;
  return ruledOut !== undefined;
}

interface Undecided {
  readonly uids: readonly Uid[];
  done: number;
}

/**
 * A batch, and the next ones too until another search waits: with each turn that ends, the texts that are being read must
 * be waited for with nothing to search meanwhile.
 */
async function* detailsOfTurn(search: Search, undecided: Undecided): AsyncGenerator<readonly MessageDetails[]> {
  const { state, turn } = search;
  const { uids } = undecided;
  const { detailedMessagesMax } = search.session.limits.search;
  do {
    const batch = uids.slice(undecided.done, undecided.done + detailedMessagesMax);
    undecided.done += batch.length;
    yield* loaded(search, batch, (set) => state.handle.details(set));
  } while (undecided.done < uids.length && !turn.isAwaited);
}

/** In batches. */
async function* metadataOf(search: Search, uids: readonly Uid[]): AsyncGenerator<readonly MessageMetadata[]> {
  const { batchMessagesMax } = search.session.limits.search;
  for (let at = 0; at < uids.length; at += batchMessagesMax) {
    yield* loaded(search, uids.slice(at, at + batchMessagesMax), (set) => search.state.handle.metadata(set));
  }
}

/** What is stored of messages; those of which nothing is are passed over. */
async function* loaded<Stored extends StoredMessage>(
  { state, damaged }: Search,
  uids: readonly Uid[],
  load: (set: UidSet) => AsyncIterable<readonly Stored[]>,
): AsyncGenerator<readonly Stored[]> {
  const met: Uid[] = [];
  for await (const batch of load(uidSetOf(uids))) {
    for (const { uid } of batch) met.push(uid);
    yield batch;
  }
  await damaged.passOverLost(state, uids, met);
}

async function uidsOf(batches: AsyncIterable<readonly StoredMessage[]>): Promise<readonly Uid[]> {
  const uids: Uid[] = [];
  for await (const batch of batches) for (const { uid } of batch) uids.push(uid);
  return uids;
}

/** Decides on messages of which nothing is loaded; returns those that are still open. */
async function siftByIndex(search: Search, batches: Iterable<readonly Uid[]>): Promise<readonly Uid[]> {
  const { session, state, slice } = search;
  const open: Uid[] = [];
  let index = await session.index(state);
  const renew = async (): Promise<void> => {
    index = await session.index(state);
  };
  const step = (uid: Uid): Promise<void> | undefined => {
    if (decide(search, index, { uid }) === undefined) open.push(uid);
    return slice.restAmongMany();
  };
  for (const batch of batches) await stepThrough(batch, { step, renew });
  return open;
}

/** Keeps what is found, and gives what is still open. */
async function* sift<Stored extends StoredMessage>(
  search: Search,
  batches: AsyncIterable<readonly Stored[]>,
): AsyncGenerator<readonly Stored[]> {
  const { session, state, slice } = search;
  let index = await session.index(state);
  const renew = async (): Promise<void> => {
    index = await session.index(state);
  };
  for await (const batch of batches) {
    const open: Stored[] = [];
    await renew();
    const step = (stored: Stored): Promise<void> | undefined => {
      if (decide(search, index, stored) === undefined) open.push(stored);
      return slice.rest();
    };
    await stepThrough(batch, { step, renew });
    yield open;
  }
}

/** Puts the test to what is known of a message, and keeps it where it is found. */
function decide(search: Search, index: MessageIndex, stored: StoredMessage): Truth {
  const candidate = candidateOf(search, index, stored);
  // Another session may have expunged it: then there is nothing to be found.
  const truth = candidate === undefined ? false : search.plan.test(candidate);
  if (truth !== undefined) search.slice.done++;
  if (truth === true) search.found.push(stored.uid);
  return truth;
}

/** Decides by the octets of messages on those that nothing else has decided on. */
async function siftByTexts(search: Search, open: AsyncIterable<readonly MessageDetails[]>): Promise<void> {
  const { session, state, plan, slice, turn } = search;
  const { store } = session;
  const limits = session.limits.search;
  const options = { store, limits, rest: () => slice.rest() };
  const choice = chooseTexts(plan, limits);
  const wanted = mapBatches(
    open,
    (message) => wantTexts(message, choice),
    () => slice.restAmongMany(),
  );
  for await (const group of readGroups(store, wanted, { ...limits, rooms: session.server.searchRooms })) {
    let index = await session.index(state);
    const renew = async (): Promise<void> => {
      index = await session.index(state);
    };
    const step = ({ item, octets: [held] }: ReadItem<SearchedMessage>): Promise<void> | undefined => {
      slice.done++;
      const candidate = candidateOf(search, index, item.message);
      if (candidate === undefined) return undefined;
      const take = (isFound: boolean): Promise<void> | undefined => {
        if (isFound) search.found.push(candidate.uid);
        return slice.rest();
      };
      if (held !== undefined) return take(testHeld(plan, candidate, item, held));
      // A damaged message is not found, by whatever it does or does not have.
      const passOver = async (error: unknown): Promise<void> => {
        await search.damaged.passOver(state, candidate.uid, error);
      };
      // Its octets are held piece by piece: others need not wait for all of them.
      return turn.aside(testPieces(plan, candidate, item, options).then(take, passOver));
    };
    await stepThrough(group, { step, renew });
  }
}

function candidateOf(search: Search, index: MessageIndex, stored: StoredMessage): Candidate | undefined {
  const row = index.rowOf(stored.uid);
  if (row < 0) return undefined;
  return {
    uid: stored.uid,
    flags: index.flagsAt(row),
    isRecent: search.state.view.isRecent(stored.uid),
    modSeq: index.modSeqAt(row),
    metadata: "sizeBytes" in stored ? stored : undefined,
    summary: "summary" in stored ? stored.summary : undefined,
    found: NOTHING_FOUND,
    ruledOut: search.ruledOut(stored.uid),
  };
}
