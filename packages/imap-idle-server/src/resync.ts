// What a client missed while it was away (RFC 7162 3.2.5, 3.2.6). The cost is that of what changed since, not that of
// what is there.
import type { KnownState } from "@pushmail/imap-wire";
import {
  addUidRange,
  cursor,
  EMPTY_UID_SET,
  normalizeUidSet,
  uidSetDifference,
  uidSetIntersection,
  type Change,
  type Cursor,
  type Uid,
  type UidRange,
  type UidSet,
} from "@pushmail/mailstore";
import type { Selected, Session } from "./command.ts";
import { tellFlags, tellVanished } from "./mailbox-sync.ts";
import type { MailboxView } from "./mailbox-view.ts";

/** Tells a client that comes back what vanished and what changed since it was here. */
export async function resync(session: Session, state: Selected, { modSeq, uids, match }: KnownState): Promise<void> {
  const { handle, view } = state;
  const { status } = handle;
  // RFC 7162 3.2.5.1: without a set of its own the client means all that there ever was.
  const wanted = uids === null ? [[1, (status?.uidNext ?? 1) - 1] as const] : normalizeUidSet(uids);
  if (status === undefined || modSeq >= status.highestModSeq) return;
  await session.index(state);
  // RFC 7162 3.2.5.2: up to a message that still has its number, the client knows what is gone.
  const from = match === null ? 1 : matchedUid(view, match) + 1;
  const since = cursor(modSeq);
  await tellVanishedSince(session, state, { uids: uidSetDifference(wanted, [[0, from - 1]]), since });
  await tellFlags(session, state, { uids: uidSetIntersection(wanted, await changedSince(session, state, since)) });
}

/** Tells which messages of a set are gone since then; not those whose EXPUNGE is still to be told. */
export async function tellVanishedSince(
  session: Session,
  { handle, view }: Selected,
  { uids, since }: { readonly uids: UidSet; readonly since: Cursor },
): Promise<void> {
  const vanished = uidSetIntersection(await handle.vanishedSince(since), uids);
  await tellVanished(session, uidSetDifference(vanished, view.known(vanished)), { earlier: true });
}

/** The messages with a higher MODSEQ, with some that are gone by now. */
export async function changedSince(session: Session, { handle }: Selected, since: Cursor): Promise<UidSet> {
  if (since >= (handle.status?.highestModSeq ?? 0)) return EMPTY_UID_SET;
  const page = await session.store.changes(handle.account, since, session.limits.changeRecordsMax, handle.id);
  const changed: UidRange[] = [];
  if (!page.tooOld && !page.more) {
    for (const change of page.records.flatMap((record) => record.changes)) {
      if (isChangeWithin(change) && change.mailbox === handle.id) for (const uids of change.uids) changed.push(uids);
    }
    return normalizeUidSet(changed);
  }
  const index = await handle.ready();
  const newer: [Uid, Uid][] = [];
  for (let row = 0; row < index.count; row++) {
    const uid = index.uids[row] as Uid;
    if (index.modSeqAt(row) > since) addUidRange(newer, uid, uid);
  }
  return newer;
}

function isChangeWithin(change: Change): change is Extract<Change, { type: "MessageAppended" | "FlagsChanged" }> {
  return change.type === "MessageAppended" || change.type === "FlagsChanged";
}

/** The highest UID that still has the number which the client knows it by; 0 where none has. */
function matchedUid(view: MailboxView, { numbers, uids }: NonNullable<KnownState["match"]>): Uid {
  let matched = 0;
  let range = 0;
  let uid = uids[0]?.[0] ?? 0;
  for (const [first, last] of numbers) {
    for (let number = first; number <= last; number++) {
      // Where one does not match, something before it is gone, and none behind it does.
      if (number > view.count || view.uidOf(number) !== uid) return matched;
      matched = uid;
      uid = uid < (uids[range]?.[1] ?? 0) ? uid + 1 : (uids[++range]?.[0] ?? 0);
    }
  }
  return matched;
}
