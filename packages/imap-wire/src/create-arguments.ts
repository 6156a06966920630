// What CREATE makes (RFC 9051 6.3.4), and for which use (RFC 6154 3).
import { parseMailbox, printMailbox } from "./mailbox-name.ts";
import type { Scanner } from "./scanner.ts";

export interface CreateArguments {
  readonly mailbox: string;
  /** The special uses, without their backslash and as the client wrote them. */
  readonly uses: readonly string[];
}

export function parseCreateArguments(scan: Scanner): CreateArguments {
  const mailbox = parseMailbox(scan);
  if (!scan.skip(" (")) return { mailbox, uses: [] };
  scan.expect("USE ");
  const uses = scan.list(() => {
    scan.expect("\\");
    return scan.atom();
  });
  scan.expect(")");
  return { mailbox, uses };
}

export function printCreateArguments({ mailbox, uses }: CreateArguments): string {
  return `${printMailbox(mailbox)}${uses.length === 0 ? "" : ` (USE (${uses.map((use) => `\\${use}`).join(" ")}))`}`;
}
