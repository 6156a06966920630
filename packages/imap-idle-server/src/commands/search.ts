// SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4): one untagged SEARCH with what was found, even if nothing was.
import { parseSearchArguments, SEARCH_CHARSETS, type SearchKey } from "@pushmail/imap-wire";
import { command, type Command, type Session } from "../command.ts";
import { no } from "../replies.ts";
import { searchMessages } from "../search/search-messages.ts";

/** Numbers that are printed at once. */
const NUMBERS_AT_ONCE = 4_096;

export const search: Command = command({
  name: "SEARCH",
  in: ["selected"],
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    return parseSearchArguments(scan);
  },
  async run(session, { charset, key }, state, { uid }) {
    if (charset !== null && !SEARCH_CHARSETS.includes(charset)) {
      return no({ code: "BADCHARSET", charsets: SEARCH_CHARSETS }, `Texts cannot be given in ${charset}`);
    }
    const asksModSeq = usesModSeq(key);
    // RFC 7162 3.1: whoever asks for MODSEQ wants to be told of it from then on.
    if (asksModSeq) await session.enable("CONDSTORE");
    const { uids, modSeq } = await searchMessages(session, state, key);
    const numbers = uid ? uids : uids.map((found) => state.view.numberOf(found));
    // RFC 7162 3.1.5
    await tellFound(session, numbers, asksModSeq && modSeq !== undefined ? ` (MODSEQ ${modSeq})` : "");
    return undefined;
  },
});

function usesModSeq(key: SearchKey): boolean {
  if (key.type === "not") return usesModSeq(key.key);
  if (key.type === "and" || key.type === "or") return key.keys.some(usesModSeq);
  return key.type === "modSeq";
}

/** In pieces, as there may be very many. */
async function tellFound(session: Session, numbers: Uint32Array, end: string): Promise<void> {
  await session.write("* SEARCH");
  for (let at = 0; at < numbers.length; at += NUMBERS_AT_ONCE) {
    await session.write(` ${numbers.subarray(at, at + NUMBERS_AT_ONCE).join(" ")}`);
  }
  await session.write(`${end}\r\n`);
}
