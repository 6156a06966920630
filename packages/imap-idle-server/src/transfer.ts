// What COPY and MOVE share: their arguments, the target, and the UIDs that the messages got (RFC 4315 3).
import { parseMailbox, parseSequenceSet, type ResponseCode, type Scanner, type SequenceSet } from "@pushmail/imap-wire";
import { Refusal, uidSetOf, type ByRights, type Transferred, type UidSet } from "@pushmail/mailstore";
import { byRightsTo, type Reached } from "./access.ts";
import type { Call, Selected, Session } from "./command.ts";
import { ReadFigures } from "./progress.ts";

export interface TransferArguments {
  readonly set: SequenceSet;
  readonly mailbox: string;
}

export function parseTransfer(scan: Scanner): TransferArguments {
  scan.space();
  const set = parseSequenceSet(scan);
  scan.space();
  return { set, mailbox: parseMailbox(scan) };
}

/** The messages meant. All of those meant by number must still be there: nothing is done in part. */
export async function messagesMeant(
  session: Session,
  state: Selected,
  set: SequenceSet,
  { uid }: Call,
): Promise<UidSet> {
  const { view } = state;
  const index = await session.index(state);
  const uids = view.resolve(set, { uid });
  if (uid) return uids;
  for (const [first, last] of uids) {
    const told = view.lowerBound(last + 1) - view.lowerBound(first);
    const there = index.lowerBound(last + 1) - index.lowerBound(first);
    if (there < told) throw new Refusal("messageMissing", "Some of the messages are no longer there");
  }
  return uids;
}

export interface Transferring {
  readonly mode: "copy" | "move";
  readonly to: Reached;
  readonly byRightsFrom?: ByRights | undefined;
}

/** Has the store do it, and tells how far that is. */
export async function transfer(
  session: Session,
  { account, handle, view }: Selected,
  uids: UidSet,
  { mode, to: target, byRightsFrom }: Transferring,
): Promise<Transferred> {
  const figures = new ReadFigures(view.countOf(uids));
  const to = { account: target.owner.id, mailbox: target.status.id };
  const options = { onRead: figures.onRead, byRights: byRightsTo(target, account), byRightsFrom };
  const work = session.store[mode]({ account: handle.account, mailbox: handle.id }, uids, to, options);
  const transferred = await session.progress.during(work, figures);
  if (transferred.from.length > 0) session.own(transferred.cursor, to);
  return transferred;
}

/** COPYUID; undefined where nothing was transferred. */
export function copyUid({ uidValidity, from, to }: Transferred): ResponseCode | undefined {
  if (from.length === 0) return undefined;
  return { code: "COPYUID", uidValidity, from: uidSetOf(from), to: uidSetOf(to) };
}
