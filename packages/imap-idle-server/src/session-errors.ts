// How an error ends a command or a session, and what the log has of it.
import { printUntagged } from "@pushmail/imap-wire";
import type { Session } from "./command.ts";
import { Bye, PeerGone, replyToError, type Reply } from "./replies.ts";

type Where = Pick<Session, "client" | "log">;

/** The answer to a command that threw; without a name where it could not be read. */
export function answerError({ client, log }: Where, error: unknown, command: string | undefined): Reply {
  const reply = replyToError(error);
  // What is no command may be the password of one that went before.
  const said = command === undefined ? {} : { command, reply: reply.text };
  const fields = { client: client.address, ...said };
  if (reply.status === "BAD") log.debug(fields, "faulty command");
  else if (reply.code === "SERVERBUG") log.error({ ...fields, err: error }, "command failed");
  else log.info(fields, "command refused");
  return reply;
}

/** The last word of a session that ends with an error; empty where nobody is there to read it. */
export function farewellTo({ client, log }: Where, error: unknown): string {
  if (error instanceof PeerGone) return "";
  if (error instanceof Bye) return printUntagged("BYE", error.message);
  log.error({ client: client.address, err: error }, "session failed");
  return printUntagged("BYE", "Internal error, the log says more");
}
