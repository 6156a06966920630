// FETCH and UID FETCH (RFC 9051 6.4.5): data of messages, as they are asked for and as much as the client reads.
import { parseFetchArguments, parseSequenceSet } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { fetchMessages } from "../fetch/fetch-messages.ts";
import { planFetch } from "../fetch/fetch-plan.ts";
import { no } from "../replies.ts";

export const fetch: Command = command({
  name: "FETCH",
  in: ["selected"],
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    const set = parseSequenceSet(scan);
    scan.space();
    return { set, fetch: parseFetchArguments(scan) };
  },
  async run(session, args, state, { uid }) {
    const plan = planFetch(args.fetch, { uid, readOnly: state.readOnly });
    // RFC 7162 3.1: whoever asks for MODSEQ wants to be told of it from then on.
    if (plan.items.includes("MODSEQ")) await session.enable("CONDSTORE");
    // The view is ready once the index is.
    await session.index(state);
    const isComplete = await fetchMessages(session, state, plan, state.view.resolve(args.set, { uid }));
    // RFC 9051 6.4.9: with UIDs, messages that are not there are no error.
    return isComplete || uid ? undefined : no("EXPUNGEISSUED", "Some of the messages are no longer there");
  },
});
