// Messages that have lost their summary, of which one has a damaged body, too: nothing can be told of that one alone.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { COLUMN } from "./chunk-codec.ts";
import type { MailboxAt, MailStore } from "./index.ts";
import type { LevelDriver } from "./level/driver.ts";
import { openLevelDriver } from "./level/index.ts";
import { chunkKey } from "./level/keys.ts";
import { openMailStore } from "./open-mail-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 }, limits: { closeTailRecordsMin: 1, closeSnapshotsMs: 60_000 } };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-details-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function subjects(store: MailStore, at: MailboxAt): Promise<(string | null)[]> {
  const handle = await store.open(at);
  const found = [];
  for await (const batch of handle.details([[1, 9]]))
    found.push(...batch.map(({ summary }) => summary.envelope.subject));
  handle.release();
  return found;
}

it("the others are told", async () => {
  let store = openMailStore(await openLevelDriver({ directory }), OPTIONS);
  const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
  const at = { account, mailbox: (await store.mailbox(account, "INBOX"))!.id };
  for (const word of ["one", "two", "three"]) {
    const body = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from(`Subject: ${word}\r\n\r\nof ${word}`);
    };
    await store.append([{ ...at, message: await store.stage(body(), { bytesMax: 100 }) }]);
  }
  expect(await subjects(store, at)).toEqual(["one", "two", "three"]);
  await store.close();
  const segment = join(directory, "segments", "0000000001.seg");
  const bytes = await readFile(segment);
  await writeFile(segment, bytes.fill("x", bytes.indexOf("of two"), bytes.indexOf("of two") + 2));
  const driver = (await openLevelDriver({ directory })) as LevelDriver;
  await driver.inside.write([{ key: chunkKey(account, at.mailbox, [COLUMN.summary, 0]), value: null }]);
  store = openMailStore(driver, OPTIONS);
  expect(await subjects(store, at)).toEqual(["one", "three"]);
  await store.close();
});
