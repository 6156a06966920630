// Rights on mailboxes (RFC 4314): what the commands name, and what is answered. The obsolete rights `c` and `d` are here
// alone: read, they stand for `kx` and `te`; told, they stand beside these (RFC 4314 2.1.1).
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { parseMailbox, printMailbox } from "./mailbox-name.ts";
import type { Scanner } from "./scanner.ts";
import { latin1ToUtf8, printAstring, utf8ToLatin1 } from "./string.ts";

const KNOWN_RIGHTS = /^[lrswipkxteacd]*$/;

export interface AclIdentifier {
  readonly mailbox: string;
  /** Whose rights; with `-` before it, those that are taken away. */
  readonly identifier: string;
}

export interface SetAclArguments extends AclIdentifier {
  readonly mode: "replace" | "add" | "remove";
  /** Without the obsolete ones. */
  readonly rights: string;
}

/** What DELETEACL and LISTRIGHTS take. */
export function parseAclIdentifier(scan: Scanner): AclIdentifier {
  const mailbox = parseMailbox(scan);
  scan.space();
  const start = scan.position;
  const identifier = latin1ToUtf8(scan.astring());
  // RFC 4314 3: identifiers are UTF-8, and one of them at least is named.
  if (identifier === undefined || identifier === "") throw scan.fault("Not an identifier", start);
  return { mailbox, identifier };
}

/** What SETACL takes. */
export function parseSetAclArguments(scan: Scanner): SetAclArguments {
  const named = parseAclIdentifier(scan);
  scan.space();
  const start = scan.position;
  const [, sign, rights = ""] = /^([+-]?)([^]*)$/.exec(scan.astring()) ?? [];
  // RFC 4314 3.1: a right that is not known makes the command faulty.
  if (!KNOWN_RIGHTS.test(rights)) throw scan.fault("Unknown right", start);
  const mode = sign === "+" ? "add" : sign === "-" ? "remove" : "replace";
  return { ...named, mode, rights: rights.replace(/c/g, "kx").replace(/d/g, "te") };
}

export function printAclIdentifier({ mailbox, identifier }: AclIdentifier): string {
  return `${printMailbox(mailbox)} ${printAstring(utf8ToLatin1(identifier))}`;
}

export function printSetAclArguments(args: SetAclArguments): string {
  const sign = { replace: "", add: "+", remove: "-" }[args.mode];
  return `${printAclIdentifier(args)} ${printAstring(sign + args.rights)}`;
}

/** A mailbox' name as it is told, and whose rights on it are what. */
export interface AclEntry extends MailboxNameOptions {
  readonly name: string;
  readonly rights: readonly { readonly identifier: string; readonly rights: string }[];
}

export function printAcl({ name, rights, ...options }: AclEntry): string {
  const entries = rights.map(
    (entry) => ` ${printAstring(utf8ToLatin1(entry.identifier))} ${printRights(entry.rights)}`,
  );
  return `* ACL ${printMailbox(name, options)}${entries.join("")}\r\n`;
}

export interface ListRightsEntry extends MailboxNameOptions {
  readonly name: string;
  readonly identifier: string;
  /** Those that it always has. */
  readonly always: string;
  /** Those that it may be given, each by itself. */
  readonly grantable: string;
}

export function printListRights({ name, identifier, always, grantable, ...options }: ListRightsEntry): string {
  const words = [printAstring(utf8ToLatin1(identifier)), printRights(always), ...withObsolete(grantable).split("")];
  return `* LISTRIGHTS ${printMailbox(name, options)} ${words.join(" ")}\r\n`;
}

export interface MyRightsEntry extends MailboxNameOptions {
  readonly name: string;
  readonly rights: string;
}

export function printMyRights({ name, rights, ...options }: MyRightsEntry): string {
  return `* MYRIGHTS ${printMailbox(name, options)} ${printRights(rights)}\r\n`;
}

function printRights(rights: string): string {
  return printAstring(withObsolete(rights));
}

function withObsolete(rights: string): string {
  return rights + (/[kx]/.test(rights) ? "c" : "") + (/[te]/.test(rights) ? "d" : "");
}
