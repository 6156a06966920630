// FETCH and UID FETCH (RFC 9051 6.4.5): data of messages, as they are asked for and as much as the client reads.
import { parseFetchArguments, parseSequenceSet, resolveSequenceSet, SyntaxFault } from "@pushmail/imap-wire";
import { cursor, uidSetIntersection } from "@pushmail/mailstore";
import { rightsIn } from "../access.ts";
import { command, type Command } from "../command.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import { pageOfMessages } from "../fetch/page-of-messages.ts";
import { planFetch } from "../fetch/fetch-plan.ts";
import { no } from "../replies.ts";
import { isByUid } from "../response-form.ts";
import { changedSince, tellVanishedSince } from "../resync.ts";

export const fetch: Command = command({
  name: "FETCH",
  in: ["selected"],
  capability: ["BINARY", "PARTIAL", "PREVIEW", "QRESYNC", "SAVEDATE"],
  uid: true,
  holdsExpunge: true,
  parse(scan, { uid }) {
    scan.space();
    const set = parseSequenceSet(scan);
    scan.space();
    const fetch = parseFetchArguments(scan);
    // RFC 7162 3.2.6
    if (fetch.vanished && !uid) throw new SyntaxFault("VANISHED is for UID FETCH alone");
    // RFC 9394 3.3
    if (fetch.partial !== null && !uid) throw new SyntaxFault("PARTIAL is for UID FETCH alone");
    return { set, fetch };
  },
  async run(session, args, state, { uid }) {
    const { changedSince: since, vanished, partial } = args.fetch;
    if (vanished && !session.isEnabled("QRESYNC")) throw new SyntaxFault("QRESYNC is not enabled");
    // RFC 9051 6.4.9: an answer to UID FETCH has the UID.
    const plan = planFetch(args.fetch, { addsUid: uid && !isByUid(session), marksSeen: rightsIn(state).includes("s") });
    // RFC 7162 3.1: whoever asks for MODSEQ wants to be told of it from then on.
    if (plan.items.includes("MODSEQ")) await session.enable("CONDSTORE");
    // The view is ready once the index is.
    await session.index(state);
    let uids = state.view.resolve(args.set, { uid });
    if (vanished && since !== null) {
      // Whatever was the last message when the client looked may be gone: `*` is the highest UID that ever was.
      const asked = args.set === "$" ? uids : resolveSequenceSet(args.set, (state.handle.status?.uidNext ?? 1) - 1);
      await tellVanishedSince(session, state, { uids: asked, since: cursor(since) });
    }
    // RFC 9394 3.4: first the page, then what has changed of it.
    if (partial !== null) uids = pageOfMessages(state.view, uids, partial);
    if (uid && since !== null) uids = uidSetIntersection(uids, await changedSince(session, state, cursor(since)));
    const { isComplete, isDecoded, isSound } = await fetchMessages(session, state, plan, uids);
    if (!isSound) return no("SERVERBUG", "Some of the messages are damaged");
    if (!isDecoded) return no("UNKNOWN-CTE", "Some of the parts are in an encoding that is not known");
    // RFC 9051 6.4.9: with UIDs, messages that are not there are no error.
    return isComplete || uid ? undefined : no("EXPUNGEISSUED", "Some of the messages are no longer there");
  },
});
