// The narrow interface between the protocol and the mail: the engine (smtp-server, known in this directory alone) calls
// it once a command, everything behind it knows nothing of SMTP's dialogue. To say no is to throw.
import type { Readable } from "node:stream";
import type { AccountInfo } from "@pushmail/mailstore";

/** What MAIL said, and who said it. */
export interface MailCommand {
  /** Names the mail in its Received field, in replies and in the log. */
  readonly id: string;
  /** The sender's address with its domain in Unicode; empty for the null sender. */
  readonly sender: string;
  /** The size that the client declared, 0 where it did not. */
  readonly sizeBytes: number;
  /** Whether the client asked for SMTPUTF8. */
  readonly utf8: boolean;
  readonly client: Client;
}

export interface Client {
  readonly address: string;
  /** What the client calls itself, unchecked. */
  readonly helloName: string;
  /** Whether it greeted with EHLO or LHLO. */
  readonly extended: boolean;
  /** The TLS cipher suite by its IANA name, null in clear. */
  readonly cipher: string | null;
  readonly user: AccountInfo | null;
}

/** The answer to one recipient's (LMTP) or the whole mail (SMTP): the text of a 250, or the error. */
export type Answer = string | Error;

/** `Transaction` is a mail between MAIL and its end, in the receiver's own keeping. */
export interface Receiver<Transaction> {
  /** MAIL. */
  begin(mail: MailCommand): Promise<Transaction>;
  /** RCPT. */
  addRecipient(transaction: Transaction, address: string): Promise<void>;
  /**
   * DATA. `content` ends with the mail, or fails with what is wrong with it or the loss of the client; it is read to
   * its end whatever happens. One answer for each recipient added under LMTP, one in all under SMTP.
   */
  receive(transaction: Transaction, content: Readable): Promise<readonly Answer[]>;
}
