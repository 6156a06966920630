// One task at a time, in the order of asking.

/** Shared by all queues in which nobody was yet: each mailbox has one. */
const NOBODY = Promise.resolve();

export class TurnQueue {
  #last: Promise<unknown> = NOBODY;

  /** Runs `task` when all that were asked for before have ended, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
