// What a run's figures depend on besides the servers: the machine, what others did on it meanwhile, its disk.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type Spread, spreadOf } from "./statistics.ts";

const TICKS_PER_SECOND = 100;
const DISK_WRITES = 200;
const DISK_BYTES = 4096;

export interface Machine {
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
}

export function describeMachine(): Machine {
  const release = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  return {
    node: process.version,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: release,
  };
}

/** CPU seconds that all processes of the machine have taken since it was started. */
export function busySeconds(): number {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] as string;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softIrq + steal) / TICKS_PER_SECOND;
}

/** CPU seconds that this process, the client, has taken. */
export function clientSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What the disk takes for 4 KiB appended with fdatasync, one after the other, in milliseconds. */
export function probeDisk(): Spread {
  const directory = mkdtempSync(join(tmpdir(), "bench-disk-"));
  const file = openSync(join(directory, "probe"), "w");
  const block = Buffer.alloc(DISK_BYTES, 1);
  const times: number[] = [];
  for (let i = 0; i < DISK_WRITES; i++) {
    const start = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  rmSync(directory, { recursive: true });
  return spreadOf(times);
}
