// SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4): one untagged SEARCH with what was found, even if nothing was;
// or an ESEARCH with what is asked of it (RFC 4731), whose changes may be told (RFC 5267 4.3).
import { parseSearchArguments } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { answerSearch } from "../search/answer-search.ts";

export const search: Command = command({
  name: "SEARCH",
  in: ["selected"],
  capability: ["ESEARCH", "CONTEXT=SEARCH", "I18NLEVEL=1", "INPROGRESS", "SEARCHRES", "WITHIN"],
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    return parseSearchArguments(scan);
  },
  run: (session, args, state, call) => answerSearch(session, state, args, { ...call, name: "SEARCH" }),
});
