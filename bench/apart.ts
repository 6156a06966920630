// A process of its own for clients that work hard: they must not slow the one whose clock measures.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Call {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  /** What went wrong, where something did. */
  readonly fault?: string;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** Has the functions that `clients.ts` exports called elsewhere. */
export class Apart {
  readonly #child: ChildProcess;
  readonly #waiting: Map<number, Waiting> = new Map();
  #calls = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./apart-process.js", import.meta.url)), { serialization: "advanced" });
    this.#child.on("message", ({ id, result, fault }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (fault === undefined) waiting?.resolve(result as never);
      else waiting?.reject(new Error(fault));
    });
    this.#child.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("a process with clients ended"));
    });
  }

  call<Result>(clients: () => Promise<Result>): Promise<Result>;
  call<Input, Result>(clients: (input: Input) => Promise<Result>, input: Input): Promise<Result>;
  call<Result>(clients: (input: unknown) => Promise<Result>, input?: unknown): Promise<Result> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name: clients.name, input } satisfies Call);
    });
  }

  end(): void {
    this.#waiting.clear();
    this.#child.kill();
  }
}

/** A clock that all processes of a machine share, in milliseconds. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
