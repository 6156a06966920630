// The way through the messages of a FETCH: in batches, each first narrowed and marked by the index, then loaded from
// the cheapest source that answers. What is held is one batch, and the event loop is shared.
import type { FetchAttribute } from "@pushmail/imap-wire";
import { EMPTY_UID_SET, uidSetHas, uidSetOf, type MessageDetails, type Uid, type UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { withAttributes, type FetchedMessage, type FetchPlan } from "./fetch-plan.ts";
import { loadMessages } from "./load-messages.ts";
import { FETCH_LIMITS } from "./limits.ts";
import { tellMessage } from "./tell-message.ts";
import { TimeSlice } from "./time-slice.ts";
import { uidBatches } from "./uid-batches.ts";

interface Fetch {
  readonly session: Session;
  readonly state: Selected;
  readonly plan: FetchPlan;
  readonly slice: TimeSlice;
}

/** Tells the data of the messages of a set that the client knows; whether all of them were still there. */
export async function fetchMessages(
  session: Session,
  state: Selected,
  plan: FetchPlan,
  uids: UidSet,
): Promise<boolean> {
  const fetch: Fetch = { session, state, plan, slice: new TimeSlice() };
  let missing = 0;
  for (const batch of uidBatches(state.view, uids, FETCH_LIMITS.batchMessagesMax)) {
    const index = await session.index(state);
    const there = batch.filter((uid) => index.rowOf(uid) >= 0);
    const { changedSince } = plan;
    const wanted =
      changedSince === null ? there : there.filter((uid) => index.modSeqAt(index.rowOf(uid)) > changedSince);
    missing += batch.length - there.length + wanted.length - (await tellBatch(fetch, wanted));
    await fetch.slice.rest();
  }
  return missing === 0;
}

/** Tells what is still there of these messages; returns how many that were. */
async function tellBatch(fetch: Fetch, uids: readonly Uid[]): Promise<number> {
  const { session, state, plan } = fetch;
  const changed = plan.marksSeen ? await markSeen(session, state, uids) : EMPTY_UID_SET;
  const itemsOfChanged = withAttributes(plan, flagAttributes(session));
  let told = 0;
  for await (const loaded of loadMessages(state.handle, plan.source, uids)) {
    let index = await session.index(state);
    for (const stored of loaded) {
      const { uid } = stored;
      const row = index.rowOf(uid);
      if (row < 0) continue;
      told++;
      const message: FetchedMessage = {
        number: state.view.numberOf(uid),
        uid,
        flags: index.flagsAt(row),
        isRecent: state.view.isRecent(uid),
        modSeq: index.modSeqAt(row),
        // The source is at least that of each item, so that no item looks for what was not loaded.
        stored: stored as MessageDetails,
      };
      const items = uidSetHas(changed, uid) ? itemsOfChanged : plan.items;
      const wait = tellMessage(session, message, items) ?? fetch.slice.rest();
      if (wait === undefined) continue;
      await wait;
      index = await session.index(state);
    }
  }
  return told;
}

/** Sets `\Seen` where it is not set yet (RFC 9051 6.4.5); returns the messages that it changed. */
async function markSeen(session: Session, state: Selected, uids: readonly Uid[]): Promise<UidSet> {
  const index = await session.index(state);
  const unseen = uids.filter((uid) => {
    const row = index.rowOf(uid);
    return row >= 0 && !index.flagsAt(row).seen;
  });
  if (unseen.length === 0) return EMPTY_UID_SET;
  const at = { account: state.account.id, mailbox: state.handle.id };
  const change = { mode: "add", flags: ["\\Seen"] } as const;
  const result = await session.store.setFlags(at, uidSetOf(unseen), change);
  session.ownChange(state, result);
  return result.changed;
}

/** What a message tells whose flags were changed by the command (RFC 9051 6.4.5, RFC 7162 3.2). */
function flagAttributes(session: Session): readonly FetchAttribute[] {
  return session.isEnabled("CONDSTORE") ? ["FLAGS", "MODSEQ"] : ["FLAGS"];
}
