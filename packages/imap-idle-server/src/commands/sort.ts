// SORT and UID SORT (RFC 5256 3, RFC 5957): what a SEARCH finds, in an order; with RETURN as an ESEARCH (RFC
// 5267 3.1), whose changes may be told (RFC 5267 4.3).
import { parseSortArguments } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { answerSearch } from "../search/answer-search.ts";
import { readSortColumns } from "../sort/sort-messages.ts";

export const sort: Command = command({
  name: "SORT",
  in: ["selected"],
  capability: ["SORT", "SORT=DISPLAY", "ESORT", "CONTEXT=SORT"],
  uid: true,
  holdsExpunge: true,
  parse(scan) {
    scan.space();
    return parseSortArguments(scan);
  },
  run: (session, args, state, call) =>
    answerSearch(session, state, args, {
      ...call,
      name: "SORT",
      arrange: (uids) => readSortColumns(session, state, uids, args.criteria),
    }),
});
