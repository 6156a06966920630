// A pushmail server as its users run it: the built command in a process of its own.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { join } from "node:path";
import { within } from "./deadline.ts";

const ROOT = process.cwd();
export const PUSHMAIL_MAIN: string = join(ROOT, "packages/pushmail/dist/main.js");

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the ready line says. */
export interface Ready {
  readonly pid: number;
  readonly smtp?: Address;
  readonly submission?: Address;
  readonly submissions?: Address;
  readonly lmtp?: Address;
  readonly imap?: Address;
  readonly imaps?: Address;
}

export class ServerProcess {
  static readonly #running = new Set<ChildProcess>();
  readonly child: ChildProcess;
  readonly ready: Ready;
  /** What it logged so far. */
  readonly logLines: readonly string[];
  readonly #logging: Interface;

  private constructor(
    child: ChildProcess,
    ready: Ready,
    log: Pick<ServerProcess, "logLines"> & { logging: Interface },
  ) {
    this.child = child;
    this.ready = ready;
    this.logLines = log.logLines;
    this.#logging = log.logging;
  }

  /**
   * Starts `pushmail serve` with all listeners on free ports and waits for its ready line. `before` is a shell command
   * whose bounds, such as `ulimit -n 100`, are those of the server.
   */
  static async start(args: readonly string[], env: NodeJS.ProcessEnv = {}, before = ":"): Promise<ServerProcess> {
    const free = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"].flatMap((name) => [`--${name}`, "0"]);
    const command = [process.execPath, PUSHMAIL_MAIN, "serve", ...free, "--log", "json", ...args];
    const child = spawn("sh", ["-c", `${before} && exec "$@"`, "sh", ...command], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    ServerProcess.#running.add(child);
    child.once("exit", () => ServerProcess.#running.delete(child));
    const log: string[] = [];
    const logging = createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const lines = createInterface({ input: child.stdout });
    const first = once(lines, "line").then(([line]) => String(line));
    const died = once(child, "exit").then(([code, signal]) => {
      throw new Error(`the server ended (${String(code ?? signal)}) before it was ready:\n${log.join("\n")}`);
    });
    died.catch(() => undefined);
    try {
      const line = await within(Promise.race([first, died]), "the server's ready line");
      return new ServerProcess(child, JSON.parse(line.replace(/^ready /, "")) as Ready, { logLines: log, logging });
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** Ends whatever a test that failed has left running. */
  static killAll(): void {
    for (const child of ServerProcess.#running) child.kill("SIGKILL");
  }

  /** What it logged so far. */
  get log(): string {
    return this.logLines.join("\n");
  }

  /** The memory that it has, where the system tells. */
  get residentBytes(): number {
    if (process.platform !== "linux") return 0;
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.ready.pid}/status`, "utf8"))?.[1]) * 1024;
  }

  /** Waits for something that its log shows. */
  async untilLogged(isLogged: () => boolean, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!isLogged()) await once(this.#logging, "line");
    };
    await within(wait(), `in the server's log: ${what}`);
  }

  /** Sends a signal and waits for the end; gives the exit code (null where a signal ended it). */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exit = once(this.child, "exit");
    this.child.kill(signal);
    const [code] = (await within(exit, `the server's end after ${signal}`)) as [number | null];
    return code;
  }
}
