// A program in a terminal of its own, for clients that have no life without one.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { within } from "../support/deadline.ts";

/** Moves of the cursor, colours and modes: what comes between the words that a screen shows. */
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78]|\][^\x07]*\x07)/g;

export class Terminal {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #name: string;
  #shown = "";

  private constructor(name: string, child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#name = name;
    this.#child = child;
    child.stdin.on("error", () => undefined);
    child.stdout.setEncoding("latin1").on("data", (text: string) => (this.#shown += text));
  }

  static start(command: string, env: NodeJS.ProcessEnv): Terminal {
    const child = spawn("script", ["-qec", `stty rows 30 cols 120; exec ${command}`, "/dev/null"], {
      env: { ...process.env, TERM: "xterm", ...env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    return new Terminal(command.split(" ", 1)[0] as string, child);
  }

  /** Waits until the terminal has shown it, since this was last waited for. */
  async shows(text: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!this.#shown.replace(ESCAPES, "").includes(text)) await once(this.#child.stdout, "data");
    };
    await within(wait(), `${this.#name} to show ${text}`).catch((error: unknown) => {
      throw new Error(`it showed ${JSON.stringify(this.#shown.replace(ESCAPES, " "))}`, { cause: error });
    });
    this.#shown = "";
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Waits for the program's own end. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null) await within(once(this.#child, "exit"), `the end of ${this.#name}`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
