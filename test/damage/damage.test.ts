// Flipped bits and cut files, in every kind of file of a data directory: whatever is served is what was stored, and what
// cannot be served is refused by name. A model of all mail says what that is.
import { cpSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  checkStore,
  openLevelDriver,
  openMailStore,
  repairStore,
  StoreDamage,
  type AccountId,
  type Finding,
  type MailboxAt,
  type MailStore,
} from "@pushmail/mailstore";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const SMALL = {
  segmentBytesMax: 300_000,
  zeroFillBytesMin: 4096,
  zeroFillBytesMax: 16_384,
  inlineBodyBytesMax: 60_000,
};
const STORE = { tailRecordsMax: 20, logRecordsKept: 10 };
const SCRYPT = { N: 16, r: 1, p: 1 };
const ADDRESSES = ["ann@example.org", "bob@example.org"];

interface Served {
  readonly flags: string;
  readonly body: Buffer | StoreDamage;
}

/** Mailbox and UID to flags and body. */
type Model = Map<string, { readonly flags: string; readonly body: Buffer }>;
interface Kind {
  readonly directory: string;
  readonly model: Model;
}

let root: string;
/**
 * Whole: the log has everything; compacted: its first segments are gone; killed: at the moment when the log has the last
 * mail and the index has not been told of it.
 */
let kinds: Record<"whole" | "compacted" | "killed", Kind>;
let copies = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pushmail-damage-"));
  kinds = { whole: await fill("whole"), compacted: await fill("compacted"), killed: await fill("killed") };
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function openStore(directory: string, onStep: (name: string) => void = () => undefined): Promise<MailStore> {
  const driver = await openLevelDriver({ directory, limits: SMALL, onStep });
  return openMailStore(driver, { limits: STORE, scryptCost: SCRYPT });
}

async function deliver(store: MailStore, accounts: readonly AccountId[], body: Buffer): Promise<void> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield body;
  }
  const message = await store.stage(stream(), { bytesMax: 10_000_000 });
  await store.append(
    await Promise.all(
      accounts.map(async (account) => ({ account, mailbox: (await store.mailbox(account, "INBOX"))!.id, message })),
    ),
  );
  await message.discard();
}

function mail(i: number, bytes: number): Buffer {
  const random = seededRandom(i);
  const head = `Subject: mail ${i}\r\nMessage-ID: <${i}@example.org>\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(head),
    Buffer.from(Array.from({ length: bytes }, () => 32 + Math.floor(random() * 90))),
  ]);
}

async function fill(kind: keyof typeof kinds): Promise<Kind> {
  const [made, directory] = [join(root, `${kind}-made`), join(root, kind)];
  let isLast = false;
  const store = await openStore(made, (name) => {
    if (isLast && name === "commit:synced") cpSync(made, directory, { recursive: true });
  });
  const ids: AccountId[] = [];
  for (const address of ADDRESSES) ids.push((await store.createAccount({ address, password: "secret" })).id);
  for (const id of ids) await store.createMailbox(id, "Kept");
  for (let i = 0; i < 60; i++) {
    await deliver(
      store,
      i % 7 === 0 ? ids : [ids[i % 2] as AccountId],
      mail(i, [300, 9_000, 30_000, 100_000][i % 4] as number),
    );
    if (i % 5 === 4) await change(store, ids[i % 2] as AccountId, i);
  }
  if (kind === "compacted") expect(await compactUntilGone(store, ids, made)).toBe(true);
  isLast = kind === "killed";
  await deliver(store, ids, mail(200, 300));
  isLast = false;
  const model = await readAll(store);
  await store.close();
  if (kind !== "killed") await cp(made, directory, { recursive: true });
  return {
    directory,
    model: new Map([...model].map(([key, value]) => [key, value as { flags: string; body: Buffer }])),
  };
}

async function change(store: MailStore, account: AccountId, i: number): Promise<void> {
  const inbox = (await store.mailbox(account, "INBOX"))!;
  const kept = (await store.mailbox(account, "Kept"))!;
  const at = { account, mailbox: inbox.id };
  const uid = inbox.uidNext - 1;
  await store.setFlags(at, [[uid, uid]], { mode: "add", flags: ["\\Seen", `k${i}`] });
  await store.copy(at, [[uid, uid]], kept.id);
  if (i % 3 !== 0) return;
  await store.setFlags(at, [[uid - 1, uid - 1]], { mode: "add", flags: ["\\Deleted"] });
  await store.expunge(at);
}

/** Expunges most of what came first and compacts, until the first segment is gone. */
async function compactUntilGone(store: MailStore, ids: readonly AccountId[], directory: string): Promise<boolean> {
  for (const account of ids) {
    const at = { account, mailbox: (await store.mailbox(account, "INBOX"))!.id };
    await store.setFlags(at, [[3, 15]], { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(at);
  }
  for (let i = 100; i < 130; i++) await deliver(store, [ids[i % 2] as AccountId], mail(i, 9_000));
  await store.compact();
  return !(await readdir(join(directory, "segments"))).includes("0000000001.seg");
}

/** Everything that the store serves; a damaged body as the error that refused it. */
async function readAll(store: MailStore): Promise<Map<string, Served>> {
  const all = new Map<string, Served>();
  for await (const { id: account, address } of store.accounts()) {
    for (const { id: mailbox, name } of await store.mailboxes(account)) {
      for (const [uid, served] of await readMailbox(store, { account, mailbox })) {
        all.set(`${address}/${name}/${uid}`, served);
      }
    }
  }
  return all;
}

async function readMailbox(store: MailStore, at: MailboxAt): Promise<Map<number, Served>> {
  const served = new Map<number, Served>();
  const handle = await store.open(at);
  const index = await handle.ready();
  for await (const rows of handle.metadata([[1, 2 ** 32 - 1]])) {
    for (const { uid, blob, sizeBytes } of rows) {
      const flags = index.flagsAt(index.rowOf(uid)).names.join(" ");
      const start = sizeBytes - 50;
      // In a part first: it must be as right as the whole, or be refused with it.
      const part = await read(store.body(blob, { start, end: sizeBytes }));
      const body = await read(store.body(blob));
      expect(Buffer.isBuffer(part) && part.equals((body as Buffer).subarray(start))).toBe(Buffer.isBuffer(body));
      served.set(uid, { flags, body });
    }
  }
  handle.release();
  return served;
}

async function read(pieces: AsyncIterable<Uint8Array>): Promise<Buffer | StoreDamage> {
  const all: Uint8Array[] = [];
  try {
    for await (const piece of pieces) all.push(piece);
  } catch (error) {
    if (error instanceof StoreDamage && error.file !== "") return error;
    throw error;
  }
  return Buffer.concat(all);
}

type Outcome = { readonly refused: string[] } | { readonly start: StoreDamage };

/** Opens a damaged copy: wrong bytes, other flags or silently missing mail fail here. */
async function outcomeOf(directory: string, model: Model): Promise<Outcome> {
  let store: MailStore;
  try {
    store = await openStore(directory);
  } catch (error) {
    if (error instanceof StoreDamage) return { start: error };
    throw error;
  }
  try {
    const served = await readAll(store);
    expect([...served.keys()].sort()).toEqual([...model.keys()].sort());
    const refused: string[] = [];
    for (const [key, { flags, body }] of model) {
      const now = served.get(key)!;
      expect([key, now.flags]).toEqual([key, flags]);
      if (!Buffer.isBuffer(now.body)) refused.push(key);
      else if (!now.body.equals(body)) throw new Error(`${key} is served with other bytes`);
    }
    return { refused };
  } finally {
    await store.close();
  }
}

async function damagedCopy(from: string, file: string, damage: (path: string) => Promise<void>): Promise<string> {
  const directory = join(root, `copy-${copies++}`);
  await cp(from, directory, { recursive: true });
  await damage(join(directory, file));
  return directory;
}

function flip(at: number, bit: number): (path: string) => Promise<void> {
  return async (path) => {
    const bytes = await readFile(path);
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    await writeFile(path, bytes);
  };
}

async function filesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
    .sort();
}

async function check(directory: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  await checkStore({ directory, onFinding: (finding) => findings.push(finding) });
  return findings;
}

describe.each(["whole", "compacted", "killed"] as const)("a data directory (%s)", (name) => {
  it("is clean, and serves what it was given", async () => {
    const { directory, model } = kinds[name];
    const copy = await damagedCopy(directory, "", async () => undefined);
    expect(await check(copy)).toEqual([]);
    expect(model.size).toBeGreaterThan(50);
    expect(await outcomeOf(copy, model)).toEqual({ refused: [] });
  });

  it("never serves a wrong byte nor loses a mail in silence, whatever bit is flipped or file cut", async () => {
    const random = seededRandom(testSeed());
    const { directory, model } = kinds[name];
    const outcomes = { served: 0, refused: 0, start: 0 };
    for (const file of await filesOf(directory)) {
      const { size } = await stat(join(directory, file));
      if (size === 0) continue;
      const tries = file.startsWith("segments") ? 3 : 2;
      for (let i = 0; i < tries; i++) {
        const at = Math.floor(random() * size);
        const bit = Math.floor(random() * 8);
        const isCut = i === tries - 1;
        const copy = await damagedCopy(directory, file, isCut ? (path) => truncate(path, at) : flip(at, bit));
        const what = `${name}: ${file} ${isCut ? "cut" : `bit ${bit} flipped`} at ${at} of ${size}`;
        const outcome = await outcomeOf(copy, model).catch((error: unknown) => {
          throw new Error(`${what} (TEST_SEED=${testSeed()})`, { cause: error });
        });
        if ("start" in outcome) outcomes.start++;
        else if (outcome.refused.length > 0) outcomes.refused++;
        else outcomes.served++;
        const bodies =
          "refused" in outcome
            ? new Set(outcome.refused.map((key) => model.get(key)!.body.toString("latin1")))
            : new Set();
        if (!isCut && bodies.size > 1) throw new Error(`${what}: more than one body is refused`);
        await rm(copy, { recursive: true });
      }
    }
    expect(outcomes.served).toBeGreaterThan(0);
    console.log(name, outcomes);
  });
});

void repairStore;
