// What is wrong with a search that is of the grammar, as the answer to it.
import { SEARCH_CHARSETS } from "@pushmail/imap-wire";
import type { Completion } from "../command.ts";
import { no } from "../replies.ts";
import type { SearchLimits } from "./limits.ts";

/** The answer where the texts are in a charset that is not known. */
export function refuseCharset(charset: string | null): Completion | undefined {
  if (charset === null || SEARCH_CHARSETS.includes(charset)) return undefined;
  return no({ code: "BADCHARSET", charsets: SEARCH_CHARSETS }, `Texts cannot be given in ${charset}`);
}

/** The answer where more was found than can be put in an order. */
export function refuseArranged(messages: number, { arrangedMessagesMax }: SearchLimits): Completion | undefined {
  if (messages <= arrangedMessagesMax) return undefined;
  return no("LIMIT", `At most ${arrangedMessagesMax} messages are put in order`);
}
