// One task at a time, in the order of asking.

export class TurnQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all that were asked for before have ended, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
