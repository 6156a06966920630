// A page of the messages that a UID FETCH names (RFC 9394 3.3), by their places among those that the client knows.
import { pageOf, type PageRange } from "@pushmail/imap-wire";
import type { Uid, UidSet } from "@pushmail/mailstore";
import type { MailboxView } from "../mailbox-view.ts";

/** The messages of a set that lie in the page, as UIDs; ranges may span UIDs that are not there. */
export function pageOfMessages(view: MailboxView, uids: UidSet, range: PageRange): UidSet {
  const rows = uids.map(([first, last]) => [view.lowerBound(first), view.lowerBound(last + 1)] as const);
  const count = rows.reduce((sum, [from, to]) => sum + to - from, 0);
  const page = pageOf(range, count);
  const chosen: [Uid, Uid][] = [];
  let before = 0;
  for (const [from, to] of rows) {
    const first = Math.max(from, from + page.start - before);
    const last = Math.min(to, from + page.end - before) - 1;
    if (first <= last) chosen.push([view.uids[first] as Uid, view.uids[last] as Uid]);
    before += to - from;
  }
  return chosen;
}
