// Mailbox contents in memory: kept while held, and then as long as there is room, the longest unused let go first.
import type { MailboxState } from "./mailbox-state.ts";

/** The contents of an empty mailbox take about as much memory as so many messages. */
const INDEX_MESSAGES_MIN = 100;

export class IdleIndexes {
  readonly #messagesMax: number;
  /** Those that nobody holds, and the messages counted for each. */
  readonly #idle = new Map<MailboxState, number>();
  #messages = 0;

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  /** Keeps the contents of a mailbox in memory, once they are there, until the returned function is called. */
  hold(mailbox: MailboxState): () => void {
    mailbox.holders++;
    this.#take(mailbox);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--mailbox.holders === 0) this.#leave(mailbox);
    };
  }

  /** Lets go of the contents of a mailbox that nobody holds. */
  drop(mailbox: MailboxState): void {
    this.#take(mailbox);
    mailbox.unload();
  }

  #take(mailbox: MailboxState): void {
    this.#messages -= this.#idle.get(mailbox) ?? 0;
    this.#idle.delete(mailbox);
  }

  #leave(mailbox: MailboxState): void {
    if (mailbox.contents === null) return;
    const messages = Math.max(mailbox.contents.columns.count, INDEX_MESSAGES_MIN);
    this.#idle.set(mailbox, messages);
    this.#messages += messages;
    for (const oldest of this.#idle.keys()) {
      if (this.#messages <= this.#messagesMax) return;
      this.drop(oldest);
    }
  }
}
