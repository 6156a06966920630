// What one account must hold: what was acknowledged, and for what was asked and not yet answered, all of it or nothing.

/** Where a mail lies and with which flags: `INBOX=\Seen a|Box1=`; empty where it is nowhere. */
export type State = string;

/** One command that was sent: the states of the mails it touches, and the mailboxes, before and after. */
export interface Operation {
  readonly name: string;
  readonly states: ReadonlyMap<string, { readonly before: State; readonly after: State }>;
  readonly mailboxes?: { readonly before: readonly string[]; readonly after: readonly string[] };
}

export interface Observed {
  readonly states: ReadonlyMap<string, State>;
  readonly mailboxes: readonly string[];
}

export class AccountModel {
  readonly user: string;
  readonly states: Map<string, State> = new Map();
  mailboxes: readonly string[] = ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"];
  readonly #pending = new Set<Operation>();

  constructor(user: string) {
    this.user = user;
  }

  /** Runs a command; it is acknowledged when `run` resolves, and open until `settle` where it throws. */
  async perform(operation: Operation, run: () => Promise<void>): Promise<void> {
    this.#pending.add(operation);
    await run();
    this.#pending.delete(operation);
    this.#apply(operation);
  }

  /** The mails in a mailbox that no open operation touches. */
  mailsIn(mailbox: string): string[] {
    const busy = new Set([...this.#pending].flatMap(({ states }) => [...states.keys()]));
    return [...this.states].filter(([id, state]) => !busy.has(id) && places(state).has(mailbox)).map(([id]) => id);
  }

  /** Compares with what is there, which from now on is what must be there; gives the faults found. */
  settle(observed: Observed): string[] {
    const faults: string[] = [];
    for (const operation of this.#pending) {
      const { name, states, mailboxes } = operation;
      const now = (id: string): State => observed.states.get(id) ?? "";
      const isAfter = [...states].every(([id, { after }]) => now(id) === after);
      const isBefore = [...states].every(([id, { before }]) => now(id) === before);
      const boxes = observed.mailboxes.join();
      const hasBoxes = mailboxes === undefined || boxes === (isAfter ? mailboxes.after : mailboxes.before).join();
      const isWholly = isAfter || isBefore;
      if (!isWholly)
        faults.push(`${name} was done in part: ${[...states.keys()].map((id) => `${id} ${now(id)}`).join()}`);
      else if (!hasBoxes && states.size > 0) faults.push(`${name}: mailboxes and mails do not agree: ${boxes}`);
      const isDone = states.size === 0 && mailboxes !== undefined ? boxes === mailboxes.after.join() : isAfter;
      if (isDone) this.#apply(operation);
    }
    this.#pending.clear();
    if (observed.mailboxes.join() !== this.mailboxes.join()) {
      faults.push(`mailboxes ${observed.mailboxes.join()}, not ${this.mailboxes.join()}`);
    }
    for (const [id, state] of this.states) {
      const now = observed.states.get(id) ?? "";
      if (now !== state) faults.push(`${id}: [${now}], not [${state}]`);
      if (now === "") this.states.delete(id);
    }
    for (const id of observed.states.keys()) if (!this.states.has(id)) faults.push(`${id} came from nowhere`);
    return faults.map((fault) => `${this.user}: ${fault}`);
  }

  #apply({ states, mailboxes }: Operation): void {
    for (const [id, { after }] of states) {
      if (after === "") this.states.delete(id);
      else this.states.set(id, after);
    }
    if (mailboxes !== undefined) this.mailboxes = mailboxes.after;
  }
}

/** A state taken apart: flags by mailbox. */
export function places(state: State): Map<string, string[]> {
  const entries = state === "" ? [] : state.split("|").map((place) => place.split("=") as [string, string]);
  return new Map(entries.map(([mailbox, flags]) => [mailbox, flags === "" ? [] : flags.split(" ")]));
}

/** A state put together, in the one order that states compare by. */
export function stateOf(entries: ReadonlyMap<string, readonly string[]>): State {
  return [...entries]
    .map(([mailbox, flags]) => `${mailbox}=${flags.toSorted().join(" ")}`)
    .toSorted()
    .join("|");
}
