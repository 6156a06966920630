// THREAD and UID THREAD (RFC 5256 3): what a SEARCH finds, as conversations.
import { parseThreadArguments, THREAD_ALGORITHMS } from "@pushmail/imap-wire";
import { command, type Command, type Session } from "../command.ts";
import { refuseArranged, refuseCharset } from "../search/refuse-search.ts";
import { searchMessages } from "../search/search-messages.ts";
import { printThreads } from "../thread/print-threads.ts";
import { threadMessages } from "../thread/thread-messages.ts";

export const thread: Command = command({
  name: "THREAD",
  in: ["selected"],
  capability: THREAD_ALGORITHMS.map((algorithm) => `THREAD=${algorithm}`),
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    return parseThreadArguments(scan);
  },
  async run(session, { algorithm, charset, key }, state, { uid }) {
    const refused = refuseCharset(session, "THREAD", charset);
    if (refused !== undefined) return refused;
    const found = await searchMessages(session, state, key);
    const tooMany = refuseArranged(found.length, session.limits.search);
    if (tooMany !== undefined) return tooMany;
    const { forest, uids } = await threadMessages(session, state, found, algorithm);
    const numberOf = (node: number): number =>
      uid ? (uids[node] as number) : state.view.numberOf(uids[node] as number, node);
    await tellPieces(session, printThreads(forest, numberOf));
    return undefined;
  },
});

async function tellPieces(session: Session, pieces: Iterable<string>): Promise<void> {
  let before = " ";
  await session.write("* THREAD");
  for (const piece of pieces) {
    await session.write(before + piece);
    before = "";
  }
  await session.write("\r\n");
}
