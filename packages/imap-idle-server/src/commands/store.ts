// STORE (RFC 9051 6.4.6; UNCHANGEDSINCE: RFC 7162 3.1.3). It tells its own changes itself, and no others twice.
import { parseSequenceSet, parseStoreArguments, type NumberRange } from "@pushmail/imap-wire";
import { cursor, normalizeUidSet, uidSetDifference, type FlagsResult, type UidSet } from "@pushmail/mailstore";
import { byRightsToFlags } from "../access.ts";
import { command, type Command, type Completion } from "../command.ts";
import { tellFlags, tellKeywords } from "../mailbox-sync.ts";
import type { MailboxView } from "../mailbox-view.ts";
import { ReadFigures } from "../progress.ts";

export const store: Command = command({
  name: "STORE",
  in: ["selected"],
  capability: "CONDSTORE",
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    const set = parseSequenceSet(scan);
    scan.space();
    return { set, ...parseStoreArguments(scan) };
  },
  async run(session, { set, mode, flags, silent, unchangedSince }, state, { uid }): Promise<Completion | void> {
    const byRights = byRightsToFlags(state, flags);
    if (unchangedSince !== null) await session.enable("CONDSTORE");
    await session.index(state);
    const uids = state.view.resolve(set, { uid });
    const at = { account: state.handle.account, mailbox: state.handle.id };
    const condition = unchangedSince === null ? {} : { unchangedSince: cursor(unchangedSince) };
    const figures = new ReadFigures(state.view.countOf(uids));
    const work = session.store.setFlags(at, uids, { mode, flags }, { ...condition, byRights, onRead: figures.onRead });
    const result = await session.progress.during(work, figures);
    // Where nothing changed, the cursor is that of somebody else's change.
    if (result.changed.length > 0) session.own(result.cursor, at);
    await tellKeywords(session, state);
    const stored = uidSetDifference(uids, result.modified);
    // RFC 7162 3.1.3: the new MODSEQ is told even where the flags are not.
    if (!silent || session.isEnabled("CONDSTORE")) await tellFlags(session, state, { uids: stored, silent });
    return shortfall(state.view, result, { uid });
  },
});

/** What was not done: messages that others had changed, or, where they were meant by number, expunged. */
function shortfall(
  view: MailboxView,
  { modified, missing }: FlagsResult,
  { uid }: { uid: boolean },
): Completion | void {
  const isIncomplete = !uid && missing.some(([first, last]) => view.lowerBound(first) < view.lowerBound(last + 1));
  const status = isIncomplete ? "NO" : "OK";
  const text = isIncomplete ? "Some of the messages are no longer there" : "Some of the messages were changed before";
  if (modified.length > 0)
    return { status, code: { code: "MODIFIED", numbers: numbersOf(view, modified, { uid }) }, text };
  if (isIncomplete) return { status, code: "EXPUNGEISSUED", text };
}

function numbersOf(view: MailboxView, uids: UidSet, { uid }: { uid: boolean }): readonly NumberRange[] {
  return uid ? uids : normalizeUidSet(uids.map(([first, last]) => [view.numberOf(first), view.numberOf(last)]));
}
