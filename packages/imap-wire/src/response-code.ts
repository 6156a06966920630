// Response codes: what a status response tells a program (RFC 9051 7.1, RFC 5530, RFC 4315, RFC 4469, RFC 5182, RFC 5267, RFC 7162, RFC 8474, RFC 9585, RFC 9586, RFC 10022).
import { printFlagList } from "./flags.ts";
import type { NumberRange } from "./sequence-set.ts";
import { printSequenceSet } from "./sequence-set.ts";
import { printAstring, printString } from "./string.ts";

/** A code without arguments, or one with. */
export type ResponseCode =
  | "ALERT"
  | "ALREADYEXISTS"
  | "AUTHENTICATIONFAILED"
  | "AUTHORIZATIONFAILED"
  | "CANNOT"
  | "CLIENTBUG"
  | "CLOSED"
  | "COMPRESSIONACTIVE"
  | "CONTACTADMIN"
  | "CORRUPTION"
  | "EXPIRED"
  | "EXPUNGEISSUED"
  | "HASCHILDREN"
  | "INUSE"
  | "LIMIT"
  | "NOMODSEQ"
  | "NONEXISTENT"
  | "NOPERM"
  | "NOTIFICATIONOVERFLOW"
  | "NOTSAVED"
  | "OVERQUOTA"
  | "PARSE"
  | "PRIVACYREQUIRED"
  | "READ-ONLY"
  | "READ-WRITE"
  | "SERVERBUG"
  | "TOOBIG"
  | "TOOFEW"
  | "TOOMANY"
  | "TRYCREATE"
  | "UIDNOTSTICKY"
  | "UIDREQUIRED"
  | "UNAVAILABLE"
  | "UNKNOWN-CTE"
  | "USEATTR"
  | { readonly code: "APPENDUID"; readonly uidValidity: number; readonly uids: readonly NumberRange[] }
  /** A URL as the client wrote it (RFC 4469 4.1). */
  | { readonly code: "BADURL"; readonly url: string }
  | { readonly code: "BADCHARSET"; readonly charsets: readonly string[] }
  /** The events that there are (RFC 5465 3.1). */
  | { readonly code: "BADEVENT"; readonly events: readonly string[] }
  | { readonly code: "CAPABILITY"; readonly capabilities: readonly string[] }
  | {
      readonly code: "COPYUID";
      readonly uidValidity: number;
      readonly from: readonly NumberRange[];
      readonly to: readonly NumberRange[];
    }
  | { readonly code: "HIGHESTMODSEQ" | "UIDNEXT" | "UIDVALIDITY" | "UNSEEN"; readonly value: number }
  /** What a command has done so far, and of how many; null where that is not known (RFC 9585 5). */
  | {
      readonly code: "INPROGRESS";
      readonly tag: string | null;
      readonly done: number | null;
      readonly goal: number | null;
    }
  | { readonly code: "MAILBOXID"; readonly id: string }
  /** What GETMETADATA left out, or SETMETADATA does not take (RFC 5464 4). */
  | { readonly code: "METADATA"; readonly reason: "NOPRIVATE" | "TOOMANY" }
  | { readonly code: "METADATA"; readonly reason: "LONGENTRIES" | "MAXSIZE"; readonly octets: number }
  /** Message numbers, or UIDs where the command was of UIDs. */
  | { readonly code: "MODIFIED"; readonly numbers: readonly NumberRange[] }
  /** The tag of a search whose results are told no more (RFC 5267 4.3.1). */
  | { readonly code: "NOUPDATE"; readonly tag: string }
  /** What a client may set for good; `\*` where it may also make new keywords. */
  | { readonly code: "PERMANENTFLAGS"; readonly flags: readonly string[] };

/** What would end the code or the line too early, or is no part of any URL. */
const NOT_IN_URL = /[^\x20\x21\x23-\x5b\x5e-\x7e]/g;

function percentEncoded(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** The code without its brackets. */
export function printResponseCode(code: ResponseCode): string {
  if (typeof code === "string") return code;
  switch (code.code) {
    case "APPENDUID":
      return `APPENDUID ${code.uidValidity} ${printSequenceSet(code.uids)}`;
    case "BADCHARSET":
      return `BADCHARSET (${code.charsets.map(printAstring).join(" ")})`;
    case "BADEVENT":
      return `BADEVENT (${code.events.join(" ")})`;
    case "BADURL":
      return `BADURL "${code.url.replace(NOT_IN_URL, percentEncoded)}"`;
    case "CAPABILITY":
      return `CAPABILITY ${code.capabilities.join(" ")}`;
    case "COPYUID":
      return `COPYUID ${code.uidValidity} ${printSequenceSet(code.from)} ${printSequenceSet(code.to)}`;
    case "INPROGRESS":
      return `INPROGRESS (${code.tag === null ? "NIL" : printString(code.tag)} ${code.done ?? "NIL"} ${code.goal ?? "NIL"})`;
    case "HIGHESTMODSEQ":
    case "UIDNEXT":
    case "UIDVALIDITY":
    case "UNSEEN":
      return `${code.code} ${code.value}`;
    case "MAILBOXID":
      return `MAILBOXID (${code.id})`;
    case "METADATA":
      return `METADATA ${code.reason}${"octets" in code ? ` ${code.octets}` : ""}`;
    case "MODIFIED":
      return `MODIFIED ${printSequenceSet(code.numbers)}`;
    case "NOUPDATE":
      return `NOUPDATE ${printString(code.tag)}`;
    case "PERMANENTFLAGS":
      return `PERMANENTFLAGS ${printFlagList(code.flags)}`;
  }
}
