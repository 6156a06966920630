// SUBSCRIBE and UNSUBSCRIBE (RFC 9051 6.3.7, 6.3.8): names, whether or not there is such a mailbox.
import { parseMailbox } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const subscribe: Command = subscription({ name: "SUBSCRIBE", subscribed: true });
export const unsubscribe: Command = subscription({ name: "UNSUBSCRIBE", subscribed: false });

function subscription({ name, subscribed }: { readonly name: string; readonly subscribed: boolean }): Command {
  return command({
    name,
    in: ["authenticated", "selected"],
    parse(scan) {
      scan.space();
      return parseMailbox(scan);
    },
    async run(session, mailbox, { account }) {
      await session.store.setSubscribed(account.id, mailbox, subscribed);
    },
  });
}
