// What is known of things on a server by what it acknowledged. A change that was asked for and not answered may have
// happened or not, but as a whole.

/** The states that things are to have, by their names; "" is a thing that is not there. */
export type Change = ReadonlyMap<string, string>;

export class Ledger {
  readonly #states = new Map<string, string>();
  readonly #pending = new Set<Change>();
  /** Changes that were acknowledged. */
  acknowledged = 0;

  state(name: string): string {
    return this.#states.get(name) ?? "";
  }

  /** The names of the things of a kind that are there. */
  names(kind: string): string[] {
    return [...this.#states.keys()].filter((name) => name.startsWith(`${kind} `));
  }

  /** Asks for a change by `act`, which resolves when it is acknowledged. */
  async change(change: Change, act: () => Promise<unknown>): Promise<void> {
    this.#pending.add(change);
    await act();
    this.#pending.delete(change);
    this.acknowledged++;
    this.#take(change);
  }

  /** Compares with what is found after a crash, and goes on from there; gives back what is wrong. */
  settle(found: Change): string[] {
    const wrong: string[] = [];
    for (const change of this.#pending) {
      const names = [...change.keys()];
      const isDone = names.every((name) => (found.get(name) ?? "") === change.get(name));
      const isUndone = names.every((name) => (found.get(name) ?? "") === this.state(name));
      if (isDone) this.#take(change);
      else if (!isUndone) wrong.push(`half done: ${JSON.stringify([...change])}`);
    }
    this.#pending.clear();
    for (const name of new Set([...this.#states.keys(), ...found.keys()])) {
      const [known, actual] = [this.state(name), found.get(name) ?? ""];
      if (known !== actual) wrong.push(`${name}: acknowledged "${known}", found "${actual}"`);
    }
    return wrong;
  }

  #take(change: Change): void {
    for (const [name, state] of change) {
      if (state === "") this.#states.delete(name);
      else this.#states.set(name, state);
    }
  }
}
