// The flags of a message as FETCH tells them. Sets are shared by the messages of a mailbox, and printed once.
import { printFlagList } from "@pushmail/imap-wire";
import type { FlagSet } from "@pushmail/mailstore";

interface PrintedFlags {
  readonly plain: string;
  readonly recent: string;
}

/** For each set the same with `\Seen`. */
const SEEN = new WeakMap<FlagSet, FlagSet>();
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

/** The flags as they are when `\Seen`, which they lack, is set. */
export function withSeen(flags: FlagSet): FlagSet {
  let seen = SEEN.get(flags);
  if (seen === undefined) {
    const names = ["\\Seen", ...flags.names];
    seen = {
      names,
      seen: true,
      deleted: flags.deleted,
      has: (name) => name.toLowerCase() === "\\seen" || flags.has(name),
    };
    SEEN.set(flags, seen);
  }
  return seen;
}
