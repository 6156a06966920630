// Closing while others read: what is under way comes to its end, what comes later is refused, and nothing meets a closed
// LevelDB.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cursor, openLevelDriver, openMailStore, type StoreDriver } from "../index.ts";
import type { StepListener } from "./steps.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
const MAILS = 4;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-closing-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function* once(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("Subject: x\r\n\r\nx\r\n");
}

/** An account with mail, and a mailbox with a snapshot. */
async function fill(driver: StoreDriver): Promise<void> {
  const store = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 1 } });
  const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
  const [inbox] = await store.mailboxes(account);
  if (inbox === undefined) throw new Error("no mailbox");
  for (let i = 0; i < MAILS; i++) {
    const message = await store.stage(once(), { bytesMax: 1_000 });
    await store.append([{ account, mailbox: inbox.id, message }]);
  }
  await store.close();
}

/** Opens the store and gives what it warns of. */
async function opened(onStep: StepListener = () => undefined): Promise<{ driver: StoreDriver; warnings: unknown[] }> {
  const warnings: unknown[] = [];
  const log = { info: () => undefined, warn: (fields: unknown) => void warnings.push(fields) };
  return { driver: await openLevelDriver({ directory, log, onStep }), warnings };
}

/** What reads of the driver and of a store on it may be under way: all at once. */
function readEverything(driver: StoreDriver): Promise<unknown>[] {
  const store = openMailStore(driver, CHEAP);
  const [account, mailbox] = [1, 1] as [Parameters<StoreDriver["chunks"]>[0], Parameters<StoreDriver["chunks"]>[1]];
  const openMailbox = async (): Promise<void> => {
    const handle = await store.open({ account, mailbox });
    await handle.ready();
    for await (const rows of handle.details([[1, MAILS]])) {
      for (const { blob } of rows) for await (const _ of store.body(blob)) continue;
    }
    handle.release();
  };
  const list = async (): Promise<void> => {
    for await (const _ of driver.directory.list("")) continue;
  };
  return [
    openMailbox(),
    list(),
    store.changes(account, cursor(1), 10),
    store.findAccount("alice@example.org"),
    driver.sweep(null),
    driver.log(account, cursor(0), { mailbox, limit: 10 }),
    driver.chunks(account, mailbox, { column: 0, from: 0, to: 9 }),
    driver.saveSnapshot({ account, mailbox, cursor: cursor(1_000), chunks: [] }),
    driver.blobs.compact(async function* () {
      yield [];
    }),
  ];
}

describe("a driver that closes", () => {
  it("lets no read or write meet a closed index, whichever is under way", async () => {
    await fill((await opened()).driver);
    let reached = true;
    let refused = 0;
    for (let at = 1; reached; at++) {
      let steps = 0;
      let closed: Promise<void> | undefined;
      let isReading = false;
      const { driver, warnings } = await opened((name) => {
        if (isReading && name.startsWith("index:") && ++steps === at) closed = driver.close();
      });
      isReading = true;
      const reads = readEverything(driver);
      for (const outcome of await Promise.allSettled(reads)) {
        if (outcome.status === "fulfilled") continue;
        refused++;
        expect(String(outcome.reason)).toMatch(/closed|closing/);
      }
      reached = closed !== undefined;
      isReading = false;
      await (closed ?? driver.close());
      for (const outcome of await Promise.allSettled(readEverything(driver))) {
        if (outcome.status === "rejected") expect(String(outcome.reason)).toMatch(/closed|closing/);
      }
      expect(warnings).toEqual([]);
    }
    // Else nothing was tried.
    expect(refused).toBeGreaterThan(0);
    const { driver, warnings } = await opened();
    expect((await driver.log(1 as never, cursor(0), { limit: 100 })).records.length).toBeGreaterThan(MAILS);
    await driver.close();
    expect(warnings).toEqual([]);
  });
});
