// How errors become tagged replies: faults are BAD, refusals NO with a code, whatever else is ours is SERVERBUG.
// Every refusal code has its answer here; a new one does not compile until it has.
import { SyntaxFault, type CommandStatus, type ResponseCode } from "@pushmail/imap-wire";
import { Refusal, type RefusalCode } from "@pushmail/mailstore";
import { SaslFault } from "@pushmail/sasl";
import type { Completion } from "./command.ts";

/** Thrown where the client has left or must leave: the session ends, and nobody needs to be told. */
export class PeerGone extends Error {
  constructor(message = "the client has left") {
    super(message);
    this.name = "PeerGone";
  }
}

/** Thrown where the server ends the session; `message` is what BYE says. */
export class Bye extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Bye";
  }
}

/** A plain answer to a command that was carried out. */
export function ok(text: string, code?: ResponseCode): Completion {
  return code === undefined ? { status: "OK", text } : { status: "OK", code, text };
}

/** An answer to a command that could not be carried out, with a response code (RFC 9051 7.1). */
export function no(code: ResponseCode, text: string): Completion {
  return { status: "NO", code, text };
}

/** A tagged reply, ready to be written. */
export interface Reply {
  readonly status: CommandStatus;
  readonly code?: ResponseCode;
  readonly text: string;
}

/** Response codes of RFC 5530 (now RFC 9051 7.1), or none where no code says it. */
const CODE_OF_REFUSAL: Record<RefusalCode, ResponseCode | undefined> = {
  accountExists: "ALREADYEXISTS",
  accountNotFound: "NONEXISTENT",
  addressInvalid: "CANNOT",
  appPasswordInvalid: "CANNOT",
  authenticationFailed: "AUTHENTICATIONFAILED",
  loginInsecure: "PRIVACYREQUIRED",
  loginUnavailable: "UNAVAILABLE",
  loopDetected: "CANNOT",
  mailboxExists: "ALREADYEXISTS",
  mailboxNameInvalid: "CANNOT",
  mailboxNotFound: "NONEXISTENT",
  mailboxProtected: "CANNOT",
  messageInvalid: "CANNOT",
  messageMissing: "EXPUNGEISSUED",
  messageTooLarge: "TOOBIG",
  notPermitted: "NOPERM",
  overQuota: "OVERQUOTA",
  readOnly: undefined,
  relayDenied: "NOPERM",
  senderNotAllowed: "NOPERM",
  shuttingDown: "UNAVAILABLE",
  // What clients know how to show: no space, and a fault on the server's side that the text names.
  storeFull: "OVERQUOTA",
  storeUnavailable: "SERVERBUG",
  tooManyConnections: "LIMIT",
  tooManyEntries: { code: "METADATA", reason: "TOOMANY" },
  tooManyKeywords: "LIMIT",
  // RFC 5530 3: for now, and nothing is wrong with the password.
  tooManyLogins: "UNAVAILABLE",
  tooManyMailboxes: "LIMIT",
  tooManyRecipients: "LIMIT",
  tooManyRights: "LIMIT",
};

/** The tagged reply to a command that threw. `PeerGone` and `Bye` end the session, and are thrown on. */
export function replyToError(error: unknown): Reply {
  if (error instanceof PeerGone || error instanceof Bye) throw error;
  if (error instanceof SyntaxFault) return withCode("BAD", error.code, error.message);
  if (error instanceof SaslFault) return { status: "BAD", text: error.message };
  if (error instanceof Refusal) return withCode("NO", CODE_OF_REFUSAL[error.code], error.message);
  return { status: "NO", code: "SERVERBUG", text: "Internal error, the log says more" };
}

function withCode(status: CommandStatus, code: ResponseCode | undefined, text: string): Reply {
  return code === undefined ? { status, text } : { status, code, text };
}
