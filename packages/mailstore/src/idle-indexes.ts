// Mailbox contents in memory: kept while held, and then as long as there is room, the longest unused let go first.
import type { MailboxState } from "./mailbox-state.ts";
import { SharedRoom } from "./shared-room.ts";

/** The contents of an empty mailbox take about as much memory as so many messages. */
const INDEX_MESSAGES_MIN = 100;

export class IdleIndexes {
  /** Those that nobody holds, with the messages counted for each. */
  readonly #idle: SharedRoom<MailboxState>;

  constructor(messagesMax: number) {
    this.#idle = new SharedRoom<MailboxState>(messagesMax, (mailbox) => mailbox.unload());
  }

  /** Keeps the contents of a mailbox in memory, once they are there, until the returned function is called. */
  hold(mailbox: MailboxState): () => void {
    mailbox.holders++;
    this.#idle.delete(mailbox);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--mailbox.holders === 0) this.#leave(mailbox);
    };
  }

  /** Something came to a mailbox: what nobody holds is counted anew. */
  grown(mailbox: MailboxState): void {
    if (mailbox.holders === 0) this.#leave(mailbox);
  }

  /** Lets go of the contents of a mailbox that nobody holds. */
  drop(mailbox: MailboxState): void {
    this.#idle.delete(mailbox);
    mailbox.unload();
  }

  #leave(mailbox: MailboxState): void {
    if (mailbox.contents === null) return;
    this.#idle.set(mailbox, Math.max(mailbox.contents.messagesWorth, INDEX_MESSAGES_MIN));
  }
}
