// What is known of the messages of the mailboxes that were sorted or threaded last: as much as there is room for.
import type { MailboxAt } from "@pushmail/mailstore";
import { MailboxFacts } from "./mailbox-facts.ts";

interface Kept {
  readonly facts: MailboxFacts;
  bytes: number;
}

export class KeptFacts {
  readonly #bytesMax: number;
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** About as much as is held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is known of a mailbox, which has so many messages; `keep` it when more is. */
  of(at: MailboxAt, messages: number): MailboxFacts {
    const kept = this.#kept.get(keyOf(at));
    // Where most of them are gone it begins anew.
    return kept !== undefined && kept.facts.messages <= 2 * messages ? kept.facts : new MailboxFacts();
  }

  /** Keeps what is known of a mailbox now; what was not asked for the longest goes for it, or it does itself. */
  keep(at: MailboxAt, facts: MailboxFacts): void {
    const key = keyOf(at);
    this.#delete(key);
    if (facts.bytes > this.#bytesMax) return;
    this.#kept.set(key, { facts, bytes: facts.bytes });
    this.#bytes += facts.bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}

function keyOf({ account, mailbox }: MailboxAt): string {
  return `${account}/${mailbox}`;
}
