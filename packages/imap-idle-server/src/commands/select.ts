// SELECT and EXAMINE (RFC 9051 6.3.2, 6.3.3; CONDSTORE and QRESYNC: RFC 7162 3.1.8, 3.2.5; MAILBOXID: RFC 8474 4.1).
// Counts come from the head: a large mailbox answers as quickly as a small one, its index is loaded behind the answer.
import {
  parseMailbox,
  parseSelectParameters,
  printExists,
  printRecent,
  printUntagged,
  SyntaxFault,
} from "@pushmail/imap-wire";
import { Refusal, type MessageIndex, type Uid } from "@pushmail/mailstore";
import { isReadOnly, reachMailbox } from "../access.ts";
import { command, type Command, type Selected, type Session } from "../command.ts";
import { claimRecent, tellKeywords } from "../mailbox-sync.ts";
import { MailboxView } from "../mailbox-view.ts";
import { mailboxIdOf } from "../object-ids.ts";
import { ok } from "../replies.ts";
import { tellName } from "../tell-name.ts";
import { isByUid } from "../response-form.ts";
import { resync } from "../resync.ts";

export const select: Command = selecting({ name: "SELECT", readOnly: false });
export const examine: Command = selecting({ name: "EXAMINE", readOnly: true });

function selecting(asked: { readonly name: string; readonly readOnly: boolean }): Command {
  return command({
    name: asked.name,
    in: ["authenticated", "selected"],
    parse(scan) {
      scan.space();
      const mailbox = parseMailbox(scan);
      return { mailbox, ...parseSelectParameters(scan) };
    },
    async run(session, { mailbox, condstore, known }, state) {
      // RFC 7162 3.2.3: before anything is done.
      if (known !== null && !session.isEnabled("QRESYNC")) throw new SyntaxFault("QRESYNC is not enabled");
      const { account } = state;
      // RFC 9051 6.3.2: whether or not it succeeds, the mailbox before it is left.
      session.enter({ name: "authenticated", account });
      // RFC 7162 3.2.11: what follows is of another mailbox.
      if (state.name === "selected") await session.write(printUntagged("OK", "Closed", "CLOSED"));
      if (condstore) await session.enable("CONDSTORE");
      const found = await reachMailbox(session, account, { name: mailbox, right: "r" });
      const { owner, status, rights } = found;
      const readOnly = asked.readOnly || isReadOnly(rights);
      const handle = await session.store.open({ account: owner.id, mailbox: status.id });
      try {
        const opened = await describe(session, { account, handle, readOnly }, mailboxIdOf(found));
        if (session.isEnabled("IMAP4rev2")) await tellName(session, status.name, mailbox);
        if (known !== null && known.uidValidity === status.uidValidity) await resync(session, opened, known);
        session.enter(opened);
      } catch (error) {
        handle.release();
        throw error;
      }
      return ok(`${asked.name} completed`, readOnly ? "READ-ONLY" : "READ-WRITE");
    },
  });
}

/** Tells of the mailbox as it is now, which is where the view begins. */
async function describe(
  session: Session,
  opened: Omit<Selected, "name" | "view">,
  mailboxId: string,
): Promise<Selected> {
  const isSmall = (opened.handle.status?.messages ?? 0) <= session.limits.selectLoadMax;
  // Where changes are lost it has others than are counted, which is known once it is read in.
  if (isSmall) await opened.handle.ready();
  const { status } = opened.handle;
  if (status === undefined) throw new Refusal("mailboxNotFound", "No such mailbox");
  const state: Selected = { name: "selected", view: new MailboxView(status), ...opened };
  claimRecent(session, state);
  const index = isSmall ? await session.index(state) : undefined;
  // Where it fails, the command that needs it says so.
  if (index === undefined) opened.handle.ready().catch(() => undefined);
  await tellKeywords(session, state);
  await session.write(printExists(status.messages));
  const isRev2 = session.isEnabled("IMAP4rev2");
  if (!isRev2) await session.write(printRecent(state.view.recentCount));
  // RFC 9051 E: UNSEEN is of IMAP4rev1 alone; and it is a message number.
  const unseen =
    isRev2 || isByUid(session) || index === undefined || status.unseen === 0 ? 0 : firstUnseen(index, state.view);
  if (unseen > 0) await session.write(printUntagged("OK", "First unseen", { code: "UNSEEN", value: unseen }));
  const { uidValidity, uidNext, highestModSeq } = status;
  await session.write(printUntagged("OK", "UIDs valid", { code: "UIDVALIDITY", value: uidValidity }));
  await session.write(printUntagged("OK", "Next UID", { code: "UIDNEXT", value: uidNext }));
  await session.write(printUntagged("OK", "Mailbox", { code: "MAILBOXID", id: mailboxId }));
  await session.write(printUntagged("OK", "Highest", { code: "HIGHESTMODSEQ", value: highestModSeq }));
  return state;
}

/** The number of the first message without \Seen, 0 where there is none. */
function firstUnseen(index: MessageIndex, view: MailboxView): number {
  for (let row = 0; row < index.count; row = index.alikeEnd(row, index.count)) {
    if (!index.flagsAt(row).seen) return view.numberOf(index.uids[row] as Uid);
  }
  return 0;
}
