// What is known of the messages of the mailboxes that were sorted or threaded last: as much as there is room for.
import { SharedRoom, type MailboxAt } from "@pushmail/mailstore";
import { MailboxFacts } from "./mailbox-facts.ts";

export class KeptFacts {
  readonly #facts = new Map<string, MailboxFacts>();
  readonly #room: SharedRoom<string>;

  constructor(bytesMax: number) {
    this.#room = new SharedRoom<string>(bytesMax, (mailbox) => this.#facts.delete(mailbox));
  }

  /** About as much as is held. */
  get bytes(): number {
    return this.#room.size;
  }

  /** What is known of a mailbox, which has so many messages; `keep` it when more is. */
  of(at: MailboxAt, messages: number): MailboxFacts {
    const kept = this.#facts.get(keyOf(at));
    // Where most of them are gone it begins anew.
    return kept !== undefined && kept.messages <= 2 * messages ? kept : new MailboxFacts();
  }

  /** Keeps what is known of a mailbox now; what was not asked for the longest goes for it, or it does itself. */
  keep(at: MailboxAt, facts: MailboxFacts): void {
    const key = keyOf(at);
    this.#facts.set(key, facts);
    this.#room.set(key, facts.bytes);
  }
}

function keyOf({ account, mailbox }: MailboxAt): string {
  return `${account}/${mailbox}`;
}
