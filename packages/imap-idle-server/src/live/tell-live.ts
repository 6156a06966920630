// Tells what changes of a live search's results: of messages that are gone before their numbers are, of those that came
// or changed after that has been told (RFC 5267 4.3.3 and 4.3.4, RFC 5465 7). Only these are looked at.
import { printEsearchHead, type SearchKey } from "@pushmail/imap-wire";
import { uidSetOf, uidSetValues, type Uid, type UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { tellArrived } from "../fetch/tell-arrived.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { uidBatches } from "../fetch/uid-batches.ts";
import type { Updates } from "../mailbox-updates.ts";
import { PeerGone } from "../replies.ts";
import { searchMessages } from "../search/search-messages.ts";
import { tellSet } from "../search/tell-set.ts";
import { amongOnly, type LiveSearch } from "./live-search.ts";
import type { Run } from "./result-list.ts";
import { bytesOfLive, endLive, TOO_MANY_RESULTS } from "./start-live.ts";

interface ResultUpdates {
  readonly removed: readonly Run[];
  readonly added: readonly Run[];
  /** What the client calls a message. */
  readonly numberOf: (uid: Uid) => number;
}

/** To be called before the EXPUNGE responses, but with a view that has them. */
export async function tellGone(session: Session, { view }: Selected, updates: Updates): Promise<void> {
  const numbers = new Map<Uid, number>();
  const gone = uidSetValues(updates.vanished);
  for (const [first, last] of updates.expunged) {
    for (let row = first; row <= last; row++) numbers.set(gone.next().value as Uid, row + 1);
  }
  const uids = [...numbers.keys()];
  const numberOf = (uid: Uid): number => numbers.get(uid) as number;
  const slice = new TimeSlice(session);
  const { batchMessagesMax } = session.limits.search;
  for (const live of view.live) {
    for (let at = 0; at < uids.length; at += batchMessagesMax) {
      const removed = live.remove(uids.slice(at, at + batchMessagesMax).filter((uid) => live.has(uid)));
      await tellResults(session, live, { removed, added: [], numberOf });
      await slice.rest();
    }
  }
}

/** To be called when all else has been told of these messages. */
export async function tellChanged(session: Session, state: Selected, changed: UidSet): Promise<void> {
  for (const live of state.view.live) {
    try {
      await follow(session, state, live, changed);
    } catch (error) {
      if (error instanceof PeerGone) throw error;
      session.log.error({ client: session.client.address, err: error }, "live search failed");
      await endLive(session, state.view, live, "Its messages cannot be searched");
    }
    if (bytesOfLive(state.view) > session.limits.search.liveBytesMax)
      await endLive(session, state.view, live, TOO_MANY_RESULTS);
  }
}

async function follow(session: Session, state: Selected, live: LiveSearch, changed: UidSet): Promise<void> {
  const { view } = state;
  const { looked, after } = live.lookAt(changed, view);
  const slice = new TimeSlice(session);
  for (const batch of uidBatches(view, looked, session.limits.search.batchMessagesMax)) {
    const among = uidSetOf(batch);
    const keys: SearchKey[] = [{ type: "uid", set: among }, amongOnly(live.parts.key, among)];
    const found = new Set(await searchMessages(session, state, { type: "and", keys }));
    const lost = batch.filter((uid) => !found.has(uid) && live.has(uid));
    const won = [...found].filter((uid) => !live.has(uid));
    const [removed, added] = [live.remove(lost), await live.add(session, state, won)];
    const fresh = uidSetOf(added.flatMap(({ uids }) => uids).filter((uid) => uid > after));
    if (live.parts.fetch.length > 0) await tellArrived(session, state, fresh, live.parts.fetch);
    await tellResults(session, live, { removed, added, numberOf: (uid) => view.numberOf(uid) });
    await slice.rest();
  }
}

async function tellResults(session: Session, { parts }: LiveSearch, updates: ResultUpdates): Promise<void> {
  const { removed, added, numberOf } = updates;
  if (removed.length + added.length === 0) return;
  const { tag, uid, order } = parts;
  await session.write(printEsearchHead({ tag, uid, ...session.names }));
  for (const [name, runs] of [["REMOVEFROM", removed] as const, ["ADDTO", added] as const]) {
    if (runs.length === 0) continue;
    // Of a SEARCH the client finds the place itself.
    const told = order === undefined ? [{ position: 0, uids: runs.flatMap(({ uids }) => uids) }] : runs;
    let head = ` ${name} (`;
    for (const { position, uids } of told) {
      await tellSet(session, `${head}${position} `, uid ? uids : uids.map(numberOf));
      head = " ";
    }
    await session.write(")");
  }
  await session.write("\r\n");
}
