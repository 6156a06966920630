// A mail on its way in, and what is known where it comes in.
import type { MailStore, Recipient } from "@pushmail/mailstore";
import type { MailCommand } from "./engine/receiver.ts";
import type { SmtpLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";

/** A listener takes mail from other servers, from the holders of accounts, or from a server beside this one. */
export type ListenerKind = "smtp" | "submission" | "lmtp";

export interface ReceiverOptions {
  readonly store: MailStore;
  readonly kind: ListenerKind;
  /** The name by which this host goes in greetings and trace headers. */
  readonly hostname: string;
  /** Domains of this host beside those of its accounts. */
  readonly domains: readonly string[];
  readonly limits: SmtpLimits;
  readonly log: Logger;
  readonly now: () => number;
}

/** A mail whose MAIL was accepted, with one recipient for each RCPT that was; two of them may be one mailbox. */
export interface IncomingMail extends MailCommand {
  readonly recipients: AcceptedRecipient[];
}

export interface AcceptedRecipient {
  /** As RCPT gave it. */
  readonly address: string;
  readonly target: Recipient;
}
