// The way through the messages of a FETCH: in batches, each first narrowed and marked by the index, then loaded from
// the cheapest source that answers. What is held is one batch, and the event loop is shared.
import type { MessageDetails, MessageIndex, Uid, UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { DamagedMessages } from "../damaged-messages.ts";
import type { FetchedMessage, FetchPlan } from "./fetch-plan.ts";
import { loadMessages } from "./load-messages.ts";
import { mapBatches, readGroups, type ReadItem } from "./read-groups.ts";
import { sectionValues, wantSections, type SectionsMessage, type SectionValue } from "./section-values.ts";
import { SeenMessages } from "./seen-messages.ts";
import { stepThrough } from "./step-through.ts";
import { inAscii } from "./surrogate-octets.ts";
import { tellMessage } from "./tell-message.ts";
import { tellRows, type RowItem } from "./tell-rows.ts";
import { TimeSlice } from "./time-slice.ts";
import { uidBatches } from "./uid-batches.ts";

interface Fetch {
  readonly session: Session;
  readonly state: Selected;
  readonly plan: FetchPlan;
  readonly slice: TimeSlice;
  readonly seen: SeenMessages;
  readonly outcome: { isComplete: boolean; isDecoded: boolean };
  readonly damaged: DamagedMessages;
}

export interface FetchOutcome {
  /** Whether all of the messages were still there. */
  readonly isComplete: boolean;
  /** Whether all that was to be told decoded could be. */
  readonly isDecoded: boolean;
  /** Whether none of the messages is damaged. */
  readonly isSound: boolean;
}

/** Tells the data of the messages of a set that the client knows. */
export async function fetchMessages(
  session: Session,
  state: Selected,
  plan: FetchPlan,
  uids: UidSet,
): Promise<FetchOutcome> {
  const outcome = { isComplete: true, isDecoded: true };
  const damaged = new DamagedMessages(session);
  const seen = new SeenMessages(session, state, plan);
  const fetch: Fetch = { session, state, plan, slice: new TimeSlice(session), seen, outcome, damaged };
  fetch.slice.goal = state.view.countOf(uids);
  if (plan.source === "index") {
    const rows = { uids, items: plan.items as readonly RowItem[], changedSince: plan.changedSince, slice: fetch.slice };
    return { isComplete: await tellRows(session, state, rows), isDecoded: true, isSound: true };
  }
  let done = 0;
  for (const batch of uidBatches(state.view, uids, session.limits.fetch.batchMessagesMax)) {
    const index = await session.index(state);
    const there = batch.filter((uid) => index.rowOf(uid) >= 0);
    const { changedSince } = plan;
    const wanted =
      changedSince === null ? there : there.filter((uid) => index.modSeqAt(index.rowOf(uid)) > changedSince);
    const met = await tellBatch(fetch, wanted);
    await damaged.passOverLost(state, wanted, met);
    if (there.length < batch.length || met.length < wanted.length) outcome.isComplete = false;
    done += batch.length;
    fetch.slice.done = done;
    await fetch.slice.rest();
  }
  await damaged.tell();
  return { ...outcome, isSound: !damaged.any };
}

/** Tells what is still there of these messages; returns which that were, with those that are damaged. */
async function tellBatch(fetch: Fetch, uids: readonly Uid[]): Promise<readonly Uid[]> {
  const { session, state, plan, slice, seen } = fetch;
  const met: Uid[] = [];
  let index = await session.index(state);
  const renew = async (): Promise<void> => {
    index = await session.index(state);
  };
  const tell = (stored: MessageDetails, sections: readonly SectionValue[]): Promise<void> | undefined => {
    const message = fetchedMessage(state, index, stored);
    if (message === undefined) return undefined;
    met.push(stored.uid);
    slice.done++;
    if (sections.includes("undecodable")) fetch.outcome.isDecoded = false;
    const full = seen.includes(message)
      ? seen.tell(message, sections)
      : tellMessage(session, { message, items: plan.items, sections });
    return full ?? slice.rest();
  };
  const tellLoaded = ({ stored, read }: Loaded): Promise<void> | undefined => {
    const sections = read === undefined ? NO_SECTIONS : sectionValues(session.store, read);
    if (!(sections instanceof Promise)) return tell(stored, sections);
    return sections.then(async (values) => {
      await renew();
      await tell(stored, values);
    });
  };
  const passOver = async ({ uid }: MessageDetails, error: unknown): Promise<void> => {
    const isThere = await fetch.damaged.passOver(state, uid, error);
    // Its octets may have failed when it was about to be told.
    if (met.at(-1) === uid) met.pop();
    if (isThere) met.push(uid);
  };
  const step = (loaded: Loaded): Promise<void> | undefined =>
    tellLoaded(loaded)?.catch((error: unknown) => passOver(loaded.stored, error));
  // The source is at least that of each item, so that no item looks for what was not loaded.
  const loaded = loadMessages(state.handle, plan.source, uids) as AsyncIterable<readonly MessageDetails[]>;
  const rest = (): Promise<void> | undefined => slice.restAmongMany();
  const batches = plan.source === "details" && !session.acceptsUtf8 ? mapBatches(loaded, inAscii, rest) : loaded;
  try {
    for await (const batch of plan.sections.length > 0 ? withSections(fetch, batches) : alone(batches)) {
      await renew();
      await stepThrough(batch, { step, renew });
    }
  } finally {
    await seen.mark();
  }
  return met;
}

const NO_SECTIONS: readonly SectionValue[] = [];

interface Loaded {
  readonly stored: MessageDetails;
  /** Undefined where no section is asked for. */
  readonly read: ReadItem<SectionsMessage> | undefined;
}

async function* alone(batches: AsyncIterable<readonly MessageDetails[]>): AsyncGenerator<readonly Loaded[]> {
  for await (const batch of batches) yield batch.map((stored) => ({ stored, read: undefined }));
}

async function* withSections(
  { session, plan, slice }: Fetch,
  batches: AsyncIterable<readonly MessageDetails[]>,
): AsyncGenerator<readonly Loaded[]> {
  const { fetch: limits } = session.limits;
  const wanted = mapBatches(
    batches,
    (message) => wantSections(message, plan.sections, limits),
    () => slice.restAmongMany(),
  );
  for await (const group of readGroups(session.store, wanted, limits)) {
    yield group.map((read) => ({ stored: read.item.message, read }));
  }
}

/** Undefined where another session has expunged it by now. */
function fetchedMessage(state: Selected, index: MessageIndex, stored: MessageDetails): FetchedMessage | undefined {
  const { view } = state;
  const { uid } = stored;
  const row = index.rowOf(uid);
  if (row < 0) return undefined;
  return {
    state,
    // Mostly the client knows what the index has.
    number: view.numberOf(uid, row),
    uid,
    flags: index.flagsAt(row),
    isRecent: view.isRecent(uid),
    modSeq: index.modSeqAt(row),
    stored,
  };
}
