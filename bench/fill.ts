// Filling a mailbox with very many small mails, over as many connections as make group commits of them.
import { ImapClient } from "./imap-client.ts";
import { smallMail } from "./mail-corpus.ts";
import type { Peer } from "./peer.ts";

const CONNECTIONS = 32;

/** Appends small mails to INBOX. */
export async function fillSmall({ imap }: Peer, user: string, messages: number): Promise<void> {
  function* share(of: number): Generator<Buffer> {
    for (let index = of; index < messages; index += CONNECTIONS) yield smallMail(index);
  }
  const fillers = Array.from({ length: CONNECTIONS }, async (_, index) => {
    const client = await ImapClient.open(imap, user);
    await client.append("INBOX", share(index));
    client.close();
  });
  await Promise.all(fillers);
}
