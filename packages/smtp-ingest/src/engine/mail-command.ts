// MAIL and RCPT as smtp-server parsed them, in the receiver's terms.
import type { SMTPServerAddress, SMTPServerSession } from "smtp-server";
import { NegativeReply } from "../replies.ts";
import type { MailCommand } from "./receiver.ts";

export function mailCommand({ address, args }: SMTPServerAddress, session: SMTPServerSession): MailCommand {
  const parameters = args || {};
  return {
    id: `${session.id}-${session.transaction}`,
    sender: address,
    sizeBytes: Number(parameters["SIZE"] ?? 0),
    utf8: parameters["SMTPUTF8"] === true,
    client: {
      address: session.remoteAddress,
      helloName: session.hostNameAppearsAs,
      extended: session.openingCommand !== "HELO",
      cipher: session.tlsOptions ? session.tlsOptions.standardName : null,
      user: session.user || null,
    },
  };
}

/** RFC 5321 4.1.1.11: a parameter of an extension that was not announced is refused; smtp-server passes it over. */
export function refuseParameters({ args }: SMTPServerAddress, known: readonly string[]): void {
  const unknown = Object.keys(args || {}).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new NegativeReply("555 5.5.4", `Parameter ${unknown} is not supported`);
}
