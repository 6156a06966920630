// The level driver against the disk itself: durable commits of 4 KiB bodies by 1 to 512 writers, beside a bare group
// commit of the same bytes in the same run; then what an open after a crash costs, and how long compaction holds the
// event loop. Usage: node bench/dist/driver.js [--ms 2000] [--repeats 3] [--directory DIR]
import { mkdtempSync, rmSync } from "node:fs";
import { cp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  accountId,
  cursor,
  mailboxId,
  openLevelDriver,
  type BlobId,
  type StoreDriver,
  type TransactionPart,
} from "@pushmail/mailstore";

const BODY = Buffer.alloc(4096, "x");
const RECORD = Buffer.alloc(120, "r");
const ACCOUNTS = 100;
const MIB = 1024 * 1024;

const { values } = parseArgs({
  options: {
    ms: { type: "string", default: "2000" },
    repeats: { type: "string", default: "3" },
    directory: { type: "string", default: tmpdir() },
  },
});
const runMs = Number(values.ms);
const directory = mkdtempSync(join(values.directory, "bench-driver-"));

/** Writers in a closed loop: how many a second, and what each waited. */
async function load(writers: number, write: (writer: number) => Promise<unknown>): Promise<string> {
  const waited: number[] = [];
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  const writeOn = async (_: unknown, writer: number): Promise<void> => {
    while (performance.now() - beganMs < runMs) {
      const startMs = performance.now();
      await write(writer);
      waited.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, writeOn));
  const tookMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(cpu);
  waited.sort((a, b) => a - b);
  const at = (part: number): string => (waited[Math.floor((waited.length - 1) * part)] ?? 0).toFixed(2);
  const rate = Math.round((waited.length / tookMs) * 1000);
  const cpuUs = ((user + system) / waited.length).toFixed(0);
  return `${String(rate).padStart(7)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms  cpu ${cpuUs} us`;
}

/** What the disk allows: whatever waits goes into one write and one sync. */
async function bare(writers: number, filled: boolean): Promise<string> {
  const path = join(directory, "bare");
  const file = await open(path, "w+");
  const zeros = Buffer.alloc(MIB);
  if (filled) for (let at = 0; at < 1024; at++) await file.write(zeros, 0, MIB, at * MIB);
  await file.sync();
  let waiting: (() => void)[] = [];
  let position = 0;
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      await Promise.resolve();
      const group = waiting;
      waiting = [];
      await file.writev(
        Array.from(group, () => BODY),
        position,
      );
      await file.datasync();
      position = (position + group.length * BODY.length) % (1024 * MIB);
      for (const done of group) done();
    }
    running = false;
  };
  const result = await load(writers, () => {
    return new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (!running) void run();
    });
  });
  await file.close();
  await rm(path);
  return result;
}

type Limits = NonNullable<Parameters<typeof openLevelDriver>[0]["limits"]>;

async function openFresh(limits: Limits = {}): Promise<{ driver: StoreDriver; path: string }> {
  const path = join(directory, "data");
  await rm(path, { recursive: true, force: true });
  const driver = await openLevelDriver({ directory: path, limits });
  for (let id = 1; id <= ACCOUNTS; id++) {
    const parts = [{ ...part(0, 0), properties: Buffer.alloc(60) }];
    await driver.commit([{ account: accountId(id), blobs: [], enforceQuota: false, parts }]);
  }
  return { driver, path };
}

function part(messages: number, bytes: number): TransactionPart {
  const counts = { allocate: messages, messages, unseen: messages, deleted: 0, bytes };
  return { mailbox: mailboxId(1), ...counts, record: RECORD };
}

async function* stream(): AsyncGenerator<Uint8Array> {
  yield BODY;
}

let delivered = 0;
async function deliver(driver: StoreDriver): Promise<BlobId> {
  const account = accountId(1 + (delivered++ % ACCOUNTS));
  const body = await driver.blobs.stage(stream());
  const [result] = await driver.commit([{ account, blobs: [body], enforceQuota: true, parts: [part(1, BODY.length)] }]);
  await body.discard();
  if (result?.ok !== true) throw new Error("refused");
  return result.blobs[0] as BlobId;
}

async function driverLoad(writers: number, limits: Limits): Promise<string> {
  const { driver } = await openFresh(limits);
  const result = await load(writers, () => deliver(driver));
  await driver.close();
  return result;
}

/** Opens a copy of a store that was not closed, with as much log behind its checkpoint. */
async function recovery(logBytes: number): Promise<void> {
  const { driver, path } = await openFresh({ checkpointBytes: 8 * logBytes, segmentBytesMax: 128 * MIB });
  const mails = Math.ceil(logBytes / (BODY.length + 500));
  for (let done = 0; done < mails; done += 512) await Promise.all(Array.from({ length: 512 }, () => deliver(driver)));
  const killed = join(directory, "killed");
  await cp(path, killed, { recursive: true });
  await driver.close();
  const startMs = performance.now();
  const recovered = await openLevelDriver({
    directory: killed,
    log: { info: (fields) => console.log("  ", JSON.stringify(fields)), warn: (fields) => console.log("  ", fields) },
  });
  console.log(`open after a crash, ${logBytes / MIB} MiB of log: ${(performance.now() - startMs).toFixed(0)} ms`);
  const head = await recovered.head(accountId(1));
  const { records } = await recovered.log(accountId(1), cursor(0), { limit: 1_000_000 });
  if (records.length !== head?.cursor) throw new Error("records are missing");
  await recovered.close();
}

/** Mail that comes in while `work` is done: what it waits for at worst, and the event loop with it. */
async function beside(driver: StoreDriver, what: string, work: () => Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let [running, mails, longestMs] = [true, 0, 0];
  const mailing = (async (): Promise<void> => {
    for (; running; mails++) {
      const startMs = performance.now();
      await deliver(driver);
      longestMs = Math.max(longestMs, performance.now() - startMs);
    }
  })();
  const startMs = performance.now();
  await work();
  const tookMs = (performance.now() - startMs).toFixed(0);
  running = false;
  await mailing;
  delay.disable();
  const stop = (delay.max / 1e6).toFixed(1);
  console.log(`${what}: ${tookMs} ms beside ${mails} mails; at worst a commit took ${longestMs.toFixed(1)} ms`);
  console.log(`   and the event loop stood still for ${stop} ms`);
}

/** Empties segments of which a quarter lives, while mail comes in; beside the same mail alone. */
async function compaction(): Promise<void> {
  const { driver } = await openFresh({ segmentBytesMax: 16 * MIB });
  const live: BlobId[] = [];
  for (let done = 0; done < 20_000; done += 500) {
    const blobs = await Promise.all(Array.from({ length: 500 }, () => deliver(driver)));
    live.push(...blobs.filter((_, i) => i % 4 === 0));
  }
  await beside(driver, "no compaction", () => setTimeout(runMs));
  await beside(driver, "compaction", async () => {
    const freed = await driver.blobs.compact(async function* () {
      for (let at = 0; at < live.length; at += 1_000) yield live.slice(at, at + 1_000);
    });
    console.log(`${(freed / MIB).toFixed(0)} MiB given back`);
  });
  await driver.close();
}

try {
  for (const writers of [1, 8, 64, 512]) {
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      const name = `${String(writers).padStart(3)} writers`;
      console.log(`${name}  bare, appending    ${await bare(writers, false)}`);
      console.log(`${name}  bare, overwriting  ${await bare(writers, true)}`);
      console.log(
        `${name}  driver, appending  ${await driverLoad(writers, { zeroFillBytesMin: 0, zeroFillBytesMax: 0 })}`,
      );
      console.log(`${name}  driver, zero-fill  ${await driverLoad(writers, {})}`);
    }
  }
  await recovery(128 * MIB);
  await compaction();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
