// Floods a server from another process, and tells what became of it.
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { within } from "../support/deadline.ts";
import type { FloodOrder, FloodReport } from "./flood-child.ts";

const CHILD = join(process.cwd(), "test/dist/overload/flood-child.js");
const DEADLINE_MS = 120_000;

/** How many connections a flood has. */
export const FLOOD: number = Number(process.env["TEST_FLOOD"] ?? 1_000);

/** Addresses of this machine that are nobody's but the attackers'. */
export const ATTACKERS: readonly string[] = Array.from({ length: 50 }, (_, i) => `127.0.1.${i + 1}`);

export class Flood {
  readonly #child: ChildProcess;
  readonly #reports = new Map<FloodReport["stage"], FloodReport["words"]>();
  #notify: () => void = () => undefined;

  constructor(order: Partial<FloodOrder> & Pick<FloodOrder, "host" | "port">) {
    const whole: FloodOrder = {
      connections: FLOOD,
      from: ATTACKERS,
      opening: "",
      fillBytes: 0,
      drip: "x",
      everyMs: 200,
      ...order,
    };
    this.#child = fork(CHILD, [JSON.stringify(whole)], { execArgv: [] });
    this.#child.on("message", ({ stage, words }: FloodReport) => {
      this.#reports.set(stage, words);
      this.#notify();
    });
  }

  /** When every connection was tried, or has come to its end: the server's last words, and how often it said each. */
  async stage(stage: FloodReport["stage"]): Promise<FloodReport["words"]> {
    for (;;) {
      const words = this.#reports.get(stage);
      if (words !== undefined) return words;
      const wake = new Promise<void>((resolve) => (this.#notify = resolve));
      await within(wake, `a flood all of which is ${stage}`, DEADLINE_MS);
    }
  }

  /** Ends what is there; the server's last words. */
  async leave(): Promise<FloodReport["words"]> {
    this.#child.send("leave");
    return this.stage("gone");
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}
