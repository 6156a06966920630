// The level driver killed at each named step of its write path, and at random: what it acknowledged is there.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cursor, openLevelDriver, type StoreDriver } from "@pushmail/mailstore";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { bodyOf, foldLog, KILL_LIMITS, MAIL, NOTES, type Acknowledgement } from "./driver-history.ts";
import { KILL_STEPS } from "./kill-steps.ts";

const CHILD = join(__dirname, "..", "dist", "crash", "driver-child.js");
const RANDOM_KILLS = Math.floor(Number(process.env["TEST_KILLS"] ?? 32) / 4);

let directory: string;
const acknowledged = new Map<number, Set<number>>([
  [MAIL, new Set()],
  [NOTES, new Set()],
]);
const random = seededRandom(testSeed());

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-kill-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs the writer until it is killed, or for so many acknowledgements; true where it was killed. */
async function runChild(killAt: string, acknowledgementsMax: number): Promise<boolean> {
  const seed = String(Math.floor(random() * 2 ** 31));
  const child = spawn(process.execPath, [CHILD, directory, seed, killAt], { stdio: ["ignore", "pipe", "inherit"] });
  let left = acknowledgementsMax;
  const lines = createInterface({ input: child.stdout }).on("line", (line) => {
    const { account, cursor: at } = JSON.parse(line) as Acknowledgement;
    acknowledged.get(account)?.add(at);
    if (--left === 0) child.kill("SIGKILL");
  });
  const [[code, signal]] = await Promise.all([once(child, "exit"), once(lines, "close")]);
  expect(signal === "SIGKILL" || code === 0).toBe(true);
  return signal === "SIGKILL";
}

async function check(driver: StoreDriver): Promise<void> {
  for (const account of [MAIL, NOTES]) {
    const head = await driver.head(account);
    const { floor } = await driver.log(account, cursor(0), { limit: 1 });
    const { records } = await driver.log(account, floor, { limit: 1_000_000 });
    const cursors = records.map((record) => record.cursor as number);
    expect(cursors).toEqual(Array.from(cursors, (_, i) => floor + 1 + i));
    expect(head?.cursor ?? 0).toBe(cursors.at(-1) ?? floor);
    for (const at of acknowledged.get(account) ?? []) expect(at).toBeLessThanOrEqual(head?.cursor ?? 0);
    const next = new Map<number, number>();
    for (const { mailbox, firstUid, head: after } of records.flatMap((record) => record.parts)) {
      expect(firstUid).toBe(next.get(mailbox) ?? firstUid);
      next.set(mailbox, after?.uidNext ?? 0);
    }
    for (const { mailbox, uidNext, messages } of head?.mailboxes ?? []) {
      expect(next.get(mailbox) ?? uidNext).toBe(uidNext);
      expect(messages).toBe(uidNext - 1);
      expect(await driver.snapshotCursor(account, mailbox)).toBeGreaterThanOrEqual(floor);
    }
  }
  for (const [serial, { blob, size }] of (await foldLog(driver)).live) {
    const pieces: Uint8Array[] = [];
    for await (const piece of driver.blobs.read(blob)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bodyOf(serial, size))).toBe(true);
  }
}

async function checkOpened(): Promise<void> {
  const driver = await openLevelDriver({ directory, limits: KILL_LIMITS });
  try {
    await check(driver);
  } finally {
    await driver.close();
  }
}

describe("a driver that is killed", () => {
  for (const [step, passes] of Object.entries(KILL_STEPS)) {
    // Only after a failed write: the faults' tests go there.
    if (passes === 0) continue;
    it(`at ${step} keeps what it acknowledged`, async () => {
      expect(await runChild(`${step}:${1 + Math.floor(random() * passes)}`, Infinity)).toBe(true);
      await checkOpened();
    });
  }

  it(
    `at ${RANDOM_KILLS} random moments keeps what it acknowledged`,
    async () => {
      for (let i = 0; i < RANDOM_KILLS; i++) {
        await runChild("-", 1 + Math.floor(random() * 60));
        if (i % 3 === 2) await checkOpened();
      }
      expect(await runChild("-", Infinity)).toBe(false);
      await checkOpened();
    },
    60_000 + 20_000 * RANDOM_KILLS,
  );
});
