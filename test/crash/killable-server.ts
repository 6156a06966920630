// A server for crash tests: it ends by itself at a step, or is ended by SIGKILL from outside.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { within } from "../support/deadline.ts";
import type { Address } from "../support/server-process.ts";

const CHILD = join(__dirname, "..", "dist", "crash", "server-child.js");

export interface Addresses {
  readonly smtp: Address;
  readonly lmtp: Address;
  readonly imap: Address;
}

export class KillableServer {
  static readonly #running = new Set<ChildProcess>();
  readonly #child: ChildProcess;
  readonly #exit: Promise<string>;
  /** Undefined where it ended before it was ready. */
  readonly addresses: Promise<Addresses | undefined>;
  #hasEnded = false;

  /** `killAt` is "STEP:COUNT", or "-" for a server that goes on. */
  constructor(data: string, users: Readonly<Record<string, string>>, killAt: string) {
    const child = spawn(process.execPath, [CHILD, data, JSON.stringify(users), killAt], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    KillableServer.#running.add(child);
    this.#exit = once(child, "exit").then(([code, signal]) => {
      this.#hasEnded = true;
      KillableServer.#running.delete(child);
      return String(signal ?? code);
    });
    const line = once(createInterface({ input: child.stdout }), "line").then(([text]) => String(text));
    this.addresses = within(Promise.race([line, this.#exit]), "a server that is ready").then((first) => {
      return first.startsWith("ready ") ? (JSON.parse(first.slice("ready ".length)) as Addresses) : undefined;
    });
  }

  static killAll(): void {
    for (const child of KillableServer.#running) child.kill("SIGKILL");
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Its exit code, or the signal that ended it. */
  ended(): Promise<string> {
    return within(this.#exit, "the end of the server");
  }

  signal(signal: "SIGKILL" | "SIGTERM"): void {
    this.#child.kill(signal);
  }
}
