// EXAMINE opens a mailbox for reading only (RFC 9051 6.3.3).
import { Refusal } from "@pushmail/mailstore";
import type { Selected } from "./command.ts";

/** Refuses what would change a mailbox that was opened by EXAMINE. */
export function requireWritable({ readOnly }: Selected): void {
  if (readOnly) throw new Refusal("readOnly", "The mailbox is open for reading only");
}
