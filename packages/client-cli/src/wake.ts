// A flag that somebody may wait for: set any number of times, it says once that there is something to look at.

/** Something happened, or has not yet. */
export class Wake {
  #pending = false;
  #resolve: (() => void) | undefined;

  get pending(): boolean {
    return this.#pending;
  }

  set(): void {
    this.#pending = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }

  /** Whether it was set since it was taken last. */
  take(): boolean {
    const pending = this.#pending;
    this.#pending = false;
    return pending;
  }

  /** Resolves once it is set, at once if it is. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pending) resolve();
      else this.#resolve = resolve;
    });
  }
}
