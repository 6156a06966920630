// The answers that are not 2xx. Each carries its own enhanced status code (RFC 3463), the first word of its text.
import { Refusal } from "@pushmail/mailstore";
import type { RefusalCode } from "@pushmail/mailstore";
import type { Logger } from "./logger.ts";

/** A reply code with its enhanced status code, as in `550 5.1.1`. */
export type Status = `${number} ${number}.${number}.${number}`;

/** Thrown where a command gets an answer of 4xx or 5xx. */
export class NegativeReply extends Error {
  readonly responseCode: number;

  constructor(status: Status, text: string) {
    super(`${status.slice(4)} ${text}`);
    this.name = "NegativeReply";
    this.responseCode = Number(status.slice(0, 3));
  }
}

const STATUS: Readonly<Record<RefusalCode, Status>> = {
  accountExists: "554 5.3.0",
  accountNotFound: "550 5.1.1",
  addressInvalid: "553 5.1.3",
  appPasswordInvalid: "554 5.3.0",
  authenticationFailed: "535 5.7.8",
  loginInsecure: "538 5.7.11",
  // RFC 4954 6
  loginUnavailable: "454 4.7.0",
  loopDetected: "554 5.4.6",
  mailboxExists: "554 5.3.0",
  mailboxNameInvalid: "554 5.3.0",
  mailboxNotFound: "450 4.2.0",
  mailboxProtected: "554 5.2.0",
  messageInvalid: "554 5.6.0",
  messageMissing: "451 4.3.0",
  messageTooLarge: "552 5.3.4",
  notPermitted: "550 5.7.1",
  overQuota: "552 5.2.2",
  readOnly: "450 4.2.1",
  relayDenied: "550 5.7.1",
  senderNotAllowed: "553 5.7.1",
  shuttingDown: "451 4.3.2",
  storeFull: "452 4.3.1",
  storeUnavailable: "451 4.3.0",
  tooManyConnections: "421 4.7.0",
  tooManyEntries: "451 4.3.0",
  tooManyKeywords: "451 4.3.0",
  tooManyLogins: "454 4.7.0",
  tooManyMailboxes: "451 4.3.0",
  tooManyRecipients: "452 4.5.3",
  tooManyRights: "451 4.3.0",
};

/** The answer to whatever was thrown. What is no reply, no refusal and no loss of the client is our fault: 451. */
export function replyTo(error: unknown, log: Logger): NegativeReply {
  if (error instanceof NegativeReply) return error;
  if (error instanceof Refusal) return new NegativeReply(STATUS[error.code], error.message);
  if ((error as NodeJS.ErrnoException).code === "ECONNECTION") return new NegativeReply("451 4.4.2", "Connection lost");
  log.error({ err: error }, "failed to serve a command");
  return new NegativeReply("451 4.3.0", "Local error, try again later");
}

/**
 * The answer where the store will not take a mail for all of its recipients: for good only if there is but one, since
 * the others may well get it at another time.
 */
export function refusedForSome(error: unknown, log: Logger): NegativeReply {
  if (!(error instanceof Refusal) || STATUS[error.code].startsWith("4")) return replyTo(error, log);
  return new NegativeReply(error.code === "overQuota" ? "452 4.2.2" : "451 4.3.0", error.message);
}
