// A server's processes: started with as many open files as are allowed, counted and ended as one group. Linux only.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import type { Usage } from "../peer.ts";

/** Among the fields of /proc/PID/stat from the state on. */
const GROUP_FIELD = 2;
/** Clock ticks a second in /proc: USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** A server that has not ended this long after SIGTERM is killed. */
const END_MS = 15_000;

export class ProcessTree {
  static readonly #running = new Set<ProcessTree>();
  readonly child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#exit = once(child, "exit");
    ProcessTree.#running.add(this);
    child.once("exit", () => ProcessTree.#running.delete(this));
  }

  /** Starts a command; its standard output can be read from `child.stdout`. */
  static start(command: readonly string[], environment: NodeJS.ProcessEnv = {}): ProcessTree {
    const raised = ["-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", ...command];
    const env = { ...process.env, ...environment };
    // A process group of its own: it is counted and ended by it, and Cyrus sends signals to its whole group.
    return new ProcessTree(spawn("/bin/sh", raised, { stdio: ["ignore", "pipe", "inherit"], env, detached: true }));
  }

  /** Ends whatever is left, at once. */
  static killAll(): void {
    for (const tree of ProcessTree.#running) killAll(tree.#pids());
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits for `ready {...}`, its first line on standard output, and gives what stands behind the word. */
  async readyLine<T>(): Promise<T> {
    const line = once(createInterface({ input: this.child.stdout as NodeJS.ReadableStream }), "line");
    const died = this.#exit.then(() => Promise.reject(new Error("the server ended before it was ready")));
    const [text] = (await Promise.race([line, died])) as [string];
    died.catch(() => undefined);
    return JSON.parse(text.slice("ready ".length)) as T;
  }

  /** What all processes use, and what those that have ended used. */
  usage(): Usage {
    const pids = this.#pids();
    return {
      cpuSeconds: pids.reduce((sum, pid) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND,
      pssKiB: pids.reduce((sum, pid) => sum + pssOf(pid), 0),
      processes: pids.length,
    };
  }

  /** Ends it: with SIGTERM, or the whole tree at once with SIGKILL; resolves when none of its processes is left. */
  async end({ kill = false }: { readonly kill?: boolean } = {}): Promise<void> {
    const pids = this.running ? this.#pids() : [];
    if (kill) killAll(pids);
    else this.child.kill("SIGTERM");
    const late = setTimeout(END_MS, "late", { ref: false });
    if ((await Promise.race([this.#exit, late])) === "late") killAll(this.#pids());
    await this.#exit;
    while (pids.some((pid) => statOf(pid) !== undefined)) await setTimeout(5);
  }

  /** Of the whole group: a daemon of a daemon has another parent, but is in it still. */
  #pids(): number[] {
    const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return all.map(Number).filter((pid) => Number(statOf(pid)?.[GROUP_FIELD]) === this.pid);
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** The fields of /proc/PID/stat from the state (the third) on; a zombie counts as gone. */
function statOf(pid: number): string[] | undefined {
  const fields = readIfThere(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  return fields?.[0] === "Z" ? undefined : fields;
}

/** utime, stime, and those of the children that it waited for. */
function ticksOf(pid: number): number {
  const fields = statOf(pid) ?? [];
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/smaps_rollup`) ?? "")?.[1] ?? 0);
}

/** A process may end between being listed and being read. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
