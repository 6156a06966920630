// ESEARCH (RFC 7377): a search of many mailboxes, each that has something answered by an ESEARCH of its own, in UIDs.
import {
  parseEsearchArguments,
  SyntaxFault,
  updateOf,
  type MailboxSpecifier,
  type SearchArguments,
  type SearchKey,
} from "@pushmail/imap-wire";
import type { MailboxAt } from "@pushmail/mailstore";
import { isTheSelected, listReachable, type Reached } from "../access.ts";
import { command, type Authenticated, type Command, type Completion, type Selected, type Session } from "../command.ts";
import { refuseLive } from "../live/start-live.ts";
import { MailboxView } from "../mailbox-view.ts";
import { asTold, isSelected, matcherOf } from "../notify/subscription.ts";
import { answerSearch } from "../search/answer-search.ts";
import { includesKey } from "../search/includes-key.ts";
import { refuseCharset } from "../search/refuse-search.ts";
import { unlessGone } from "../unless-gone.ts";

export const esearch: Command = command({
  name: "ESEARCH",
  in: ["authenticated", "selected"],
  capability: "MULTISEARCH",
  parse(scan) {
    scan.space();
    return parseEsearchArguments(scan);
  },
  async run(session, { sources, search }, state, { tag }): Promise<Completion | void> {
    const where = sources ?? [{ type: "selected" } as const];
    if (where.some(isSelected) && state.name !== "selected") throw new SyntaxFault("No mailbox is selected");
    checkScope(search, where);
    const refused = refuseCharset(session, "ESEARCH", search.charset);
    if (refused !== undefined) return refused;
    if (updateOf(search.returns) !== undefined) await refuseLive(session, tag, "UPDATE is for SEARCH and SORT");
    // RFC 7377 2.1: without RETURN it asks for ALL.
    const extended: SearchArguments = { ...search, returns: search.returns ?? ["ALL"] };
    for (const reached of await mailboxesOf(session, state, where)) {
      const { name, uidValidity } = reached.status;
      const mailbox = { name, uidValidity };
      await within(session, state, reached, async (searched) => {
        await answerSearch(session, searched, extended, { tag, uid: true, name: "SEARCH", mailbox });
      });
    }
  },
});

/** RFC 7377 2.2: message numbers and `$` are those of the selected mailbox, and mean nothing in others. */
function checkScope({ returns, key }: SearchArguments, where: readonly MailboxSpecifier[]): void {
  if (where.every(isSelected)) return;
  if (includesKey(key, isOfSelected)) throw new SyntaxFault("Message numbers are of the selected mailbox alone");
  if (returns?.includes("SAVE") === true) throw new SyntaxFault("SAVE is for the selected mailbox alone");
}

function isOfSelected(key: SearchKey): boolean {
  return key.type === "sequence" || (key.type === "uid" && key.set === "$");
}

/** Each once, whatever it is named by. */
async function mailboxesOf(
  session: Session,
  state: Authenticated | Selected,
  where: readonly MailboxSpecifier[],
): Promise<readonly Reached[]> {
  const selected = where.some(isSelected) && state.name === "selected" ? state : undefined;
  const matchers: ReturnType<typeof matcherOf>[] = [];
  for (const specifier of where) matchers.push(matcherOf(await asTold(session, state.account, specifier)));
  const all = (await listReachable(session, state.account)).filter(({ rights }) => rights.includes("r"));
  return all.filter(
    (reached) =>
      (selected !== undefined && isTheSelected(selected, atOf(reached))) ||
      matchers.some((matches) => matches(reached.status)),
  );
}

function atOf({ owner, status }: Reached): MailboxAt {
  return { account: owner.id, mailbox: status.id };
}

/** Searches the mailbox as this client sees it, or as it is where the client has not selected it. */
async function within(
  session: Session,
  state: Authenticated | Selected,
  reached: Reached,
  search: (searched: Selected) => Promise<void>,
): Promise<void> {
  if (state.name === "selected" && isTheSelected(state, atOf(reached))) return search(state);
  const { account } = state;
  // Where it was deleted meanwhile there is nothing to be found.
  const handle = await unlessGone(session.store.open(atOf(reached)));
  if (handle === undefined) return;
  try {
    // Where changes are lost it has others than are counted, which is known once it is read in.
    await unlessGone(handle.ready());
    if (handle.status === undefined) return;
    await search({ name: "selected", account, handle, view: new MailboxView(handle.status), readOnly: true });
  } finally {
    handle.release();
  }
}
