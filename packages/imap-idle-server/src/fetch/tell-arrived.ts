// What a client wants to know of new messages by itself (RFC 5465 5.2 and 7); none becomes `\Seen` by it.
import type { FetchItem } from "@pushmail/imap-wire";
import type { UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { isByUid } from "../response-form.ts";
import { fetchMessages } from "./fetch-messages.ts";
import { planFetch } from "./fetch-plan.ts";

export async function tellArrived(
  session: Session,
  state: Selected,
  uids: UidSet,
  fetch: readonly FetchItem[],
): Promise<void> {
  const items: readonly FetchItem[] = session.isEnabled("CONDSTORE") ? [...fetch, "MODSEQ"] : fetch;
  const plan = planFetch({ items, changedSince: null }, { addsUid: !isByUid(session), marksSeen: false });
  await fetchMessages(session, state, plan, uids);
}
