// What is wrong with a search that is of the grammar, as the answer to it.
import { SEARCH_CHARSETS, SyntaxFault } from "@pushmail/imap-wire";
import type { Completion, Session } from "../command.ts";
import { no } from "../replies.ts";
import type { SearchLimits } from "./limits.ts";

/** Commands that must name a charset; the others may. */
const NAMES_CHARSET: ReadonlySet<string> = new Set(["SORT", "THREAD"]);

/** The answer where the texts are in a charset that is not known. */
export function refuseCharset(
  session: Pick<Session, "isEnabled">,
  command: "ESEARCH" | "SEARCH" | "SORT" | "THREAD",
  charset: string | null,
): Completion | undefined {
  // RFC 9755 3: whoever enabled UTF-8 has said which charset it is.
  const isSaid = session.isEnabled("UTF8=ACCEPT") && charset !== null;
  if (isSaid && !(NAMES_CHARSET.has(command) && charset === "UTF-8")) throw new SyntaxFault("Texts are in UTF-8");
  if (charset === null || SEARCH_CHARSETS.includes(charset)) return undefined;
  return no({ code: "BADCHARSET", charsets: SEARCH_CHARSETS }, `Texts cannot be given in ${charset}`);
}

/** The answer where more was found than can be put in an order. */
export function refuseArranged(messages: number, { arrangedMessagesMax }: SearchLimits): Completion | undefined {
  if (messages <= arrangedMessagesMax) return undefined;
  return no("LIMIT", `At most ${arrangedMessagesMax} messages are put in order`);
}

/** The answer where more was found than can be kept for `$` (RFC 5182 2.5). */
export function refuseSaved(messages: number, { savedMessagesMax }: SearchLimits): Completion | undefined {
  if (messages <= savedMessagesMax) return undefined;
  return no("NOTSAVED", `At most ${savedMessagesMax} messages are saved`);
}
