// The flags of a message as FETCH tells them. Sets are shared by the messages of a mailbox, and printed once.
import { printFlagList } from "@pushmail/imap-wire";
import type { FlagSet } from "@pushmail/mailstore";

interface PrintedFlags {
  readonly plain: string;
  readonly recent: string;
}

const PRINTED = new WeakMap<FlagSet, PrintedFlags>();

/** The flags in parentheses, with `\Recent` where the message is that to the session. */
export function printFlagSet(flags: FlagSet, { isRecent }: { readonly isRecent: boolean }): string {
  let printed = PRINTED.get(flags);
  if (printed === undefined) {
    printed = { plain: printFlagList(flags.names), recent: printFlagList([...flags.names, "\\Recent"]) };
    PRINTED.set(flags, printed);
  }
  return isRecent ? printed.recent : printed.plain;
}
