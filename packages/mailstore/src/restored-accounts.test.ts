// What a store that was restored gives out: nothing that may have been given out behind its backup.
import fs, { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { RESTORED_KEY } from "./driver.ts";
import { ACCOUNT_DIRECTORY, type AccountId } from "./ids.ts";
import type { LevelDriver } from "./level/driver.ts";
import { openLevelDriver } from "./level/index.ts";
import { propertiesKey } from "./level/keys.ts";
import { backupStore, restoreStore, type RestoreOptions } from "./maintenance/backup-store.ts";
import { openMailStore } from "./open-mail-store.ts";
import type { MailboxStatus, MailStore } from "./store.ts";

const DAY_MS = 24 * 3_600_000;
const ADDRESS = "ann@example.org";

let base: string;
let nowMs: number;
let driver: LevelDriver;
let store: MailStore;
let account: AccountId;

async function open(directory: string): Promise<void> {
  driver = (await openLevelDriver({ directory: join(base, directory) })) as LevelDriver;
  store = openStore();
  const options = { address: ADDRESS, password: "secret" };
  account = ((await store.findAccount(ADDRESS)) ?? (await store.createAccount(options))).id;
}

function openStore(): MailStore {
  return openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, now: () => nowMs });
}

/** Restores the backup a day later, finds it clean, and opens it. */
async function restore(directory: string, options?: RestoreOptions): Promise<void> {
  nowMs += DAY_MS;
  const found = await restoreStore(join(base, "backup"), join(base, directory), () => undefined, options);
  expect(found.findings).toBe(0);
  await open(directory);
}

async function deliver(name: string): Promise<void> {
  const mailbox = (await statusOf(name)).id;
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: one\r\n\r\n");
  };
  await store.append([{ account, mailbox, message: await store.stage(body(), { bytesMax: 100 }) }]);
}

async function statusOf(name: string): Promise<MailboxStatus> {
  const found = await store.mailbox(account, name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

async function emailIdsIn(name: string): Promise<string[]> {
  const handle = await store.open({ account, mailbox: (await statusOf(name)).id });
  const ids: string[] = [];
  for await (const rows of handle.metadata([[1, 2 ** 32 - 1]])) ids.push(...rows.map(({ emailId }) => emailId));
  handle.release();
  return ids;
}

function validityOf(boxes: readonly MailboxStatus[], name: string): number {
  return boxes.find((box) => box.name === name)!.uidValidity;
}

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-restored-"));
  nowMs = Date.now();
  await open("data");
  for (let i = 0; i < 3; i++) await deliver("INBOX");
  await store.setSubscribed(account, "Trash", false);
  await store.createAccount({ address: "ben@example.org", password: "secret" });
  const { id: mailbox } = await statusOf("Archive");
  await store.setRights({ account, mailbox }, { identifier: "ben@example.org", rights: "lr", mode: "replace" });
  await backupStore(join(base, "data"), join(base, "backup"));
});
afterEach(async () => {
  await store.close();
  await rm(base, { recursive: true });
});

describe("a store that was restored", () => {
  it("gives out no UIDVALIDITY and no id that it gave out behind the backup, however often it is restored", async () => {
    const [validities, ids] = [new Set<string>(), new Set<string>()];
    for (const round of [1, 2, 3]) {
      await deliver("INBOX");
      await store.createMailbox(account, `Later-${round}`);
      for (const { name, uidValidity, id, restored } of await store.mailboxes(account)) {
        for (const [given, known] of [
          [`${name} ${uidValidity}`, validities],
          [`${id} ${restored}`, ids],
        ] as const) {
          expect(known).not.toContain(given);
          known.add(given);
        }
      }
      expect(await emailIdsIn("INBOX")).toEqual(["E1-1", "E1-2", "E1-3", "E1-4"]);
      await store.close();
      await restore(`restored-${round}`);
    }
  });

  it("is otherwise as it was, and renewed once", async () => {
    const before = await store.mailboxes(account);
    await store.close();
    await restore("restored");
    const after = await store.mailboxes(account);
    for (const [i, status] of after.entries()) {
      const { uidValidity, highestModSeq, restored } = status;
      expect(status).toEqual({ ...before[i], uidValidity, highestModSeq, restored });
      expect(restored).toBe(after[0]!.restored);
      expect(uidValidity).toBeGreaterThan(before[i]!.uidValidity);
      expect(highestModSeq).toBeGreaterThan(before[i]!.highestModSeq);
    }
    expect(new Set(after.map(({ uidValidity }) => uidValidity)).size).toBe(after.length);
    await store.close();
    nowMs += DAY_MS;
    await open("restored");
    expect(await store.mailboxes(account)).toEqual(after);
    await store.setSubscribed(account, "Trash", true);
    const made = [await store.createMailbox(account, "More"), await store.createMailbox(account, "Yet more")];
    await store.close();
    await open("restored");
    expect(await statusOf("INBOX")).toEqual(after.find(({ name }) => name === "INBOX"));
    expect([await statusOf("More"), await statusOf("Yet more")]).toEqual(made);
  });

  it("goes on where it was if nothing came behind the backup", async () => {
    const before = await store.mailboxes(account);
    await store.close();
    await restore("moved", { isMoved: true });
    expect(await store.mailboxes(account)).toEqual(before);
  });

  it("gives a new account what any gets, and leaves it that", async () => {
    await store.close();
    await restore("restored");
    const { id } = await store.createAccount({ address: "cat@example.org", password: "secret" });
    const before = await store.mailboxes(id);
    expect(before.map((status) => status.id)).toEqual([1, 2, 3, 4, 5, 6]);
    await store.close();
    await open("restored");
    expect(await store.mailboxes(id)).toEqual(before);
  });

  it("renews an account once where two ask for it at once", async () => {
    await store.close();
    await restore("restored");
    const ben = (await store.findAccount("ben@example.org"))!.id;
    const before = (await driver.head(ben))!;
    const other = openStore();
    const [one, two] = await Promise.all([store.mailboxes(ben), other.mailboxes(ben)]);
    expect(one).toEqual(two);
    expect(await store.cursor(ben)).toBe(before.cursor + 1);
  });

  it("renews what is known of an account, and the rest when a repair has stated it", async () => {
    const before = await store.mailboxes(account);
    const { id: archive } = await statusOf("Archive");
    await store.close();
    await restore("restored");
    const lost = [ACCOUNT_DIRECTORY, archive].map((id) => propertiesKey(account, id));
    const values = await driver.inside.index.getMany(lost);
    await driver.inside.write(lost.map((key) => ({ key, value: null })));
    const served = await store.mailboxes(account);
    expect(served.map(({ name }) => name)).toEqual(["INBOX", "Drafts", "Junk", "Sent", "Trash"]);
    for (const { name, uidValidity } of served) expect(uidValidity).toBeGreaterThan(validityOf(before, name));
    await deliver("INBOX");
    await expect(store.createMailbox(account, "More")).rejects.toThrow("has lost which mailboxes were made");
    // As a repair may find them in an older change.
    await driver.inside.write(lost.map((key, i) => ({ key, value: values[i] ?? null })));
    await store.close();
    await open("restored");
    const after = await store.mailboxes(account);
    for (const { name, uidValidity } of served) expect(validityOf(after, name)).toBe(uidValidity);
    expect(validityOf(after, "Archive")).toBeGreaterThan(Math.max(...served.map(({ uidValidity }) => uidValidity)));
    expect(new Set(after.map(({ restored }) => restored)).size).toBe(1);
  });

  it("makes nothing in place of mailboxes of which all is lost", async () => {
    const before = await store.mailboxes(account);
    await store.close();
    await restore("restored");
    const ids = [ACCOUNT_DIRECTORY, ...before.map(({ id }) => id)];
    await driver.inside.write(ids.map((id) => ({ key: propertiesKey(account, id), value: null })));
    await expect(store.createMailbox(account, "More")).rejects.toThrow("has lost which mailboxes were made");
  });

  it("renews an account of very many mailboxes in steps", async () => {
    for (let i = 0; i < 250; i++) await store.createMailbox(account, `Box ${i}`);
    await store.close();
    await backupStore(join(base, "data"), join(base, "backup"));
    await restore("restored");
    const { cursor: before } = (await driver.head(account))!;
    const after = await store.mailboxes(account);
    expect(new Set(after.map(({ uidValidity }) => uidValidity)).size).toBe(256);
    expect(new Set(after.map(({ restored }) => restored)).size).toBe(1);
    expect(await store.cursor(account)).toBe(before + 3);
    expect((await store.createMailbox(account, "More")).uidValidity).toBeGreaterThan(
      Math.max(...after.map(({ uidValidity }) => uidValidity)),
    );
  });

  it("has the file go for good before anybody is served, and not before the store knows of it", async () => {
    await store.close();
    const directory = join(base, "restored");
    await restoreStore(join(base, "backup"), directory, () => undefined);
    const { open: openFile, rm: remove } = fs;
    const steps: string[] = [];
    let isRemovable = false;
    Object.assign(fs, {
      rm: async (path: string, options?: object) => {
        if (path !== join(directory, "restored")) return remove(path, options);
        steps.push("rm");
        if (!isRemovable) throw new Error("cannot be removed");
        return remove(path);
      },
      open: async (path: string, flags: string) => {
        const file = await openFile(path, flags);
        if (path === directory && steps.length > 0) steps.push("sync");
        return file;
      },
    });
    try {
      await expect(open("restored")).rejects.toThrow("cannot be removed");
      isRemovable = true;
      steps.length = 0;
      await open("restored");
    } finally {
      Object.assign(fs, { open: openFile, rm: remove });
    }
    expect(steps).toEqual(["rm", "sync"]);
    const { restored } = await statusOf("INBOX");
    await store.close();
    await open("restored");
    expect((await statusOf("INBOX")).restored).toBe(restored);
  });

  it("asks again which restore it was where that could not be read", async () => {
    const { uidValidity } = await statusOf("INBOX");
    await store.close();
    await restore("restored");
    const { directory } = driver;
    const get = directory.get.bind(directory);
    let fails = true;
    directory.get = async (key) => {
      if (key === RESTORED_KEY && fails) throw new Error("cannot be read");
      return get(key);
    };
    await expect(statusOf("INBOX")).rejects.toThrow("cannot be read");
    fails = false;
    expect((await statusOf("INBOX")).uidValidity).toBeGreaterThan(uidValidity);
  });
});
