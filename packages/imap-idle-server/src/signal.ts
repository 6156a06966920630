// What a session waits on: it carries no data, and may be raised for nothing, doubled or merged. A raise is never lost.

/** Who goes on at the end of this turn: however many there are, they take one microtask. */
let resumed: (() => void)[] = [];

export class Signal {
  #raised = false;
  #resume: (() => void) | undefined;

  /** Lets the waiting one go on when this turn ends; where nobody waits, the next one does not wait. */
  raise(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    this.#raised = resume === undefined;
    if (resume !== undefined && resumed.push(resume) === 1) queueMicrotask(resumeAll);
  }

  /** Resolves at the next `raise`, or at once after one that nobody waited for. One may wait at a time. */
  wait(): Promise<void> {
    if (!this.#raised) return new Promise((resolve) => this.#await(resolve));
    this.#raised = false;
    return Promise.resolve();
  }

  /**
   * Looks now and after each `raise` until there is something to see: who looks a thousand times for nothing makes no
   * promise more than who looks once. Where a look has to wait itself, it gives a promise, and waits alone.
   */
  until<Seen>(look: () => Seen | undefined | Promise<void>): Promise<Seen> {
    return new Promise((resolve, reject) => {
      const lookOn = (): void => {
        try {
          let seen: Seen | undefined | Promise<void>;
          do {
            this.#raised = false;
            seen = look();
          } while (seen === undefined && this.#raised);
          if (seen === undefined) this.#await(lookOn);
          else if (seen instanceof Promise) seen.then(() => (this.#raised ? lookOn() : this.#await(lookOn)), reject);
          else resolve(seen);
        } catch (error) {
          reject(error);
        }
      };
      lookOn();
    });
  }

  #await(resume: () => void): void {
    this.#resume = resume;
  }
}

function resumeAll(): void {
  const all = resumed;
  resumed = [];
  for (const resume of all) resume();
}
