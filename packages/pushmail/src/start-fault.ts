// What is said where the process cannot begin, or a command cannot run.
import { Refusal } from "@pushmail/mailstore";

/** The process cannot start as it was asked to; `message` is one line for whoever asked. */
export class StartFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartFault";
  }
}

const FULL = /no space left on device|disk quota exceeded/i;

/** What whoever runs it is told of an error: what the system said, where the message is meant for clients. */
export function reasonOf(error: Error): string {
  const reason = error instanceof Refusal && error.cause instanceof Error ? error.cause.message : error.message;
  return FULL.test(reason) ? `${reason}. Make room and try again: nothing is lost` : reason;
}

/** What is wrong with a command line, without what Node advises about arguments that begin with a `-`. */
export function complaintOf(error: Error): string {
  return error.message.split(". ")[0] ?? "";
}
