// What a session waits on: it carries no data, and may be raised for nothing, doubled or merged. A raise is never lost.

export class Signal {
  #raised = false;
  #resume: (() => void) | undefined;

  /** Lets the waiting one go on; where nobody waits, the next one does not wait. */
  raise(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    this.#raised = resume === undefined;
    resume?.();
  }

  /** Resolves at the next `raise`, or at once after one that nobody waited for. One may wait at a time. */
  wait(): Promise<void> {
    if (!this.#raised) return new Promise((resolve) => (this.#resume = resolve));
    this.#raised = false;
    return Promise.resolve();
  }
}
