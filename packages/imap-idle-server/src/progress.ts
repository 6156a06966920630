// How far a command is that takes long: told now and then, so that its client waits on (RFC 9585).
import { printUntagged } from "@pushmail/imap-wire";
import type { Session } from "./command.ts";
import type { Connection } from "./connection.ts";

/** Of the items that a command works on, mostly messages, those that it has done. */
export interface Figures {
  readonly done: number;
  /** How many there are in all; undefined where that is not known. */
  readonly goal: number | undefined;
}

/** Where no number says how far it is. */
export const NOTHING_KNOWN: Figures = { done: 0, goal: 0 };

/** What the store says of its work. */
export class ReadFigures implements Figures {
  done = 0;
  readonly goal: number | undefined;

  constructor(goal?: number) {
    this.goal = goal;
  }

  readonly onRead = (messages: number): void => {
    this.done = messages;
  };
}

export class Progress {
  readonly #session: Session;
  readonly #connection: Connection;
  /** Of the command that is under way. */
  #tag: string | undefined;
  #begunAtMs = 0;

  constructor(session: Session, connection: Connection) {
    this.#session = session;
    this.#connection = connection;
  }

  begin(tag: string): void {
    this.#tag = tag;
    this.#begunAtMs = this.#session.now();
  }

  /** From here on the command has nothing more to tell of. */
  end(): void {
    this.#tag = undefined;
  }

  /** Tells how far the command is, where the client has heard nothing for a while; only between two responses. Undefined where not. */
  tell(figures: Figures): Promise<void> | undefined {
    if (this.#tag === undefined || this.#session.now() < this.#dueAtMs) return undefined;
    return this.#print(this.#tag, figures);
  }

  async #print(tag: string, figures: Figures): Promise<void> {
    await this.#session.write(printProgress(tag, figures));
    await this.#session.flush();
  }

  /** Waits for what the store does in one go, and tells how far it is meanwhile. */
  async during<Result>(work: Promise<Result>, figures: Figures = NOTHING_KNOWN): Promise<Result> {
    let isDone = false;
    const finish = (): void => {
      isDone = true;
      this.#connection.signal.raise();
    };
    const done = work.then(finish, finish);
    try {
      while (!isDone) {
        await this.#connection.wait(this.#dueAtMs);
        if (!isDone) await this.tell(figures);
      }
    } finally {
      // Whoever has left, what he began is not left half-way.
      await done;
    }
    return work;
  }

  get #dueAtMs(): number {
    return Math.max(this.#begunAtMs, this.#connection.sentAtMs) + this.#session.limits.inProgressIntervalMs;
  }
}

/** RFC 9585 4: a tag that has `]` in it is not told, and what is done is always less than what there is in all. */
function printProgress(tag: string, { done, goal }: Figures): string {
  const isKnown = goal === undefined || done < goal;
  const code = {
    code: "INPROGRESS",
    tag: tag.includes("]") ? null : tag,
    done: isKnown ? done : null,
    goal: isKnown ? (goal ?? null) : null,
  } as const;
  return printUntagged("OK", "Still at it", code);
}
