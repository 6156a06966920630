// REPLACE and UID REPLACE (RFC 8508): a message in place of another, by one change that all sessions see as one.
import { parseMailbox, parseSequenceSet, printUntagged, type SequenceSet } from "@pushmail/imap-wire";
import { byRightsOf, byRightsTo, intoTarget } from "../access.ts";
import { refuseSize, stageMessage } from "../append-message.ts";
import { command, type Command, type Completion } from "../command.ts";
import { IncomingMessages } from "../incoming-messages.ts";
import { no, ok } from "../replies.ts";
import { messagesMeant } from "../transfer.ts";

interface ReplaceArguments {
  readonly set: SequenceSet;
  readonly mailbox: string;
  readonly messages: IncomingMessages;
}

/** What stands before the message's literal: the number and the mailbox, which may be a literal itself. */
const BEFORE_MESSAGE = /^(?:UID +)?REPLACE +[^ ]+ +[^ ]/i;

export const replace: Command = command({
  name: "REPLACE",
  in: ["selected"],
  capability: "REPLACE",
  uid: true,
  tellsExpunge: true,
  streamsLiteral: (before) => BEFORE_MESSAGE.test(before),
  parse(scan, { literal }): ReplaceArguments {
    scan.space();
    const set = parseSequenceSet(scan);
    const [range, ...others] = set;
    if (set === "$" || range === undefined || others.length > 0 || range[0] !== range[1]) {
      throw scan.fault("Expected the number of one message");
    }
    scan.space();
    const mailbox = parseMailbox(scan);
    scan.space();
    return { set, mailbox, messages: new IncomingMessages({ scan, literal }, { isOne: true }) };
  },
  async run(session, { set, mailbox: name, messages }, state, call) {
    // RFC 8508 5: it is an append, \Deleted, and an expunge.
    const byRightsFrom = byRightsOf(state, "te");
    const { account, handle } = state;
    return intoTarget(session, { client: account, name }, async (target) => {
      const uid = (await messagesMeant(session, state, set, call))[0]?.[0];
      if (uid === undefined || state.view.numberOf(uid) === 0) return no("NONEXISTENT", "No such message");
      const message = messages.next();
      if (message === undefined) throw new Error("no message, where the grammar has one");
      const { flags, internalDateMs } = message;
      const admit = async (sizeBytes: number): Promise<Completion | undefined> => refuseSize(session, sizeBytes);
      const staged = await stageMessage(session, message, { account, messages, admit });
      if ("status" in staged) return staged;
      try {
        const date = internalDateMs === undefined ? {} : { internalDateMs };
        const replacement = {
          account: target.owner.id,
          mailbox: target.status.id,
          message: staged,
          flags,
          by: "append",
          byRights: byRightsTo(target, account),
          ...date,
        } as const;
        const at = { account: handle.account, mailbox: handle.id };
        const work = session.store.replace(at, uid, replacement, { byRightsFrom });
        const appended = await session.progress.during(work);
        session.own(appended.cursor, replacement);
        // RFC 8508 3.4: before the EXPUNGE, which comes at the command's end.
        const code = {
          code: "APPENDUID",
          uidValidity: appended.uidValidity,
          uids: [[appended.uid, appended.uid]],
        } as const;
        await session.write(printUntagged("OK", "Replaced", code));
        return ok("REPLACE completed");
      } finally {
        await staged.discard();
      }
    });
  },
});
