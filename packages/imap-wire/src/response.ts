// Whole responses, each ending with CRLF. Every character of a text is one octet: write it to the socket as latin1.
import { printFlagList } from "./flags.ts";
import type { IdParameters } from "./id-parameters.ts";
import { printIdParameters } from "./id-parameters.ts";
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { printMailbox } from "./mailbox-name.ts";
import type { ResponseCode } from "./response-code.ts";
import { printResponseCode } from "./response-code.ts";
import type { NumberRange } from "./sequence-set.ts";
import { printSequenceSet } from "./sequence-set.ts";
import { printString } from "./string.ts";
import type { StatusItem } from "./status-item.ts";

/** How a command ended. */
export type CommandStatus = "OK" | "NO" | "BAD";
/** What may stand untagged: PREAUTH in a greeting, BYE before the end. */
export type UntaggedStatus = CommandStatus | "BYE" | "PREAUTH";

/** The end of a command, by its tag; `*` where the tag could not be read. */
export function printTagged(tag: string, status: CommandStatus, text: string, code?: ResponseCode): string {
  return `${tag} ${status} ${printText(text, code)}\r\n`;
}

export function printUntagged(status: UntaggedStatus, text: string, code?: ResponseCode): string {
  return `* ${status} ${printText(text, code)}\r\n`;
}

/** `+`: the client may go on, with a literal or in an exchange whose challenge is base64. */
export function printContinuation(text = "Go ahead"): string {
  return `+ ${printText(text)}\r\n`;
}

/** RFC 9051 9 resp-text: what is not printable ASCII must not get out, least of all a line end. */
function printText(text: string, code?: ResponseCode): string {
  const printable = text.replace(/[^\x20-\x7e]+/g, "?");
  if (code !== undefined) return `[${printResponseCode(code)}] ${printable}`;
  // Without a code a bracket at the beginning would be read as one.
  return printable.replace(/^\[/, "(");
}

export function printCapability(capabilities: readonly string[]): string {
  return `* CAPABILITY ${capabilities.join(" ")}\r\n`;
}

/** What ENABLE switched on, perhaps nothing (RFC 5161 3.2). */
export function printEnabled(capabilities: readonly string[]): string {
  return `* ${["ENABLED", ...capabilities].join(" ")}\r\n`;
}

/** One personal namespace without prefix, one for the mailboxes of others, and none that is shared (RFC 2342 5). */
export function printNamespace(ofOthers: string): string {
  return `* NAMESPACE (("" "/")) ((${printMailbox(ofOthers)} "/")) NIL\r\n`;
}

export function printId(parameters: IdParameters | null): string {
  return `* ID ${printIdParameters(parameters)}\r\n`;
}

export function printExists(messages: number): string {
  return `* ${messages} EXISTS\r\n`;
}

export function printRecent(messages: number): string {
  return `* ${messages} RECENT\r\n`;
}

export function printExpunge(sequenceNumber: number): string {
  return `* ${sequenceNumber} EXPUNGE\r\n`;
}

/** UIDs that are gone; `earlier` where it answers what the client had missed (RFC 7162 3.2.10). */
export function printVanished(uids: readonly NumberRange[], options?: { readonly earlier?: boolean }): string {
  return `* VANISHED ${options?.earlier === true ? "(EARLIER) " : ""}${printSequenceSet(uids)}\r\n`;
}

export function printFlags(flags: readonly string[]): string {
  return `* FLAGS ${printFlagList(flags)}\r\n`;
}

/** A mailbox as LIST and LSUB answer it; attributes with their backslash. */
export interface MailboxEntry extends MailboxNameOptions {
  readonly name: string;
  readonly attributes: readonly string[];
  /** The name that it had before it was renamed (RFC 5465 5.4). */
  readonly oldName?: string;
  /** By which of a LIST's selections something below it is found (RFC 5258 3.5). */
  readonly childInfo?: readonly string[];
}

export function printList(type: "LIST" | "LSUB", entry: MailboxEntry): string {
  const { oldName, childInfo } = entry;
  const extended: string[] = [];
  if (oldName !== undefined) extended.push(`"OLDNAME" (${printMailbox(oldName, entry)})`);
  if (childInfo !== undefined) extended.push(`"CHILDINFO" (${childInfo.map(printString).join(" ")})`);
  const more = extended.length === 0 ? "" : ` (${extended.join(" ")})`;
  return `* ${type} (${entry.attributes.join(" ")}) "/" ${printMailbox(entry.name, entry)}${more}\r\n`;
}

/** A mailbox' figures; a MAILBOXID is the one value that is a text. */
export interface StatusEntry extends MailboxNameOptions {
  readonly name: string;
  readonly values: readonly (readonly [StatusItem, number | string])[];
}

export function printStatus(entry: StatusEntry): string {
  const values = entry.values.map(([item, value]) => `${item} ${typeof value === "string" ? `(${value})` : value}`);
  return `* STATUS ${printMailbox(entry.name, entry)} (${values.join(" ")})\r\n`;
}

/** What begins a message's data: items with their values, one space between two, end with `)`. */
export function printFetchHead(sequenceNumber: number): string {
  return `* ${sequenceNumber} FETCH (`;
}

/** The same by UID (RFC 9586 3.3). */
export function printUidFetchHead(uid: number): string {
  return `* ${uid} UIDFETCH (`;
}

/** What announces octets among which may be NUL (RFC 3516 4.2). */
export function printLiteral8Head(octets: number): string {
  return `~{${octets}}\r\n`;
}

/** What announces octets that follow by themselves. */
export function printLiteralHead(octets: number): string {
  return `{${octets}}\r\n`;
}
