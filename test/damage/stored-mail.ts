// Stores with known mail for tests of damage: made three ways, read as a whole, and compared with what was put in.
import { cpSync } from "node:fs";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@jest/globals";
import {
  openLevelDriver,
  openMailStore,
  StoreDamage,
  type AccountId,
  type MailboxAt,
  type MailStore,
} from "@pushmail/mailstore";
import { seededRandom } from "../support/seeded-random.ts";

const SMALL = {
  segmentBytesMax: 100_000,
  zeroFillBytesMin: 4096,
  zeroFillBytesMax: 8192,
  inlineBodyBytesMax: 16_000,
};
const STORE = { tailRecordsMax: 20, logRecordsKept: 10 };
const SCRYPT = { N: 16, r: 1, p: 1 };
const ADDRESSES = ["ann@example.org", "bob@example.org"];

/**
 * Whole: the log has everything; compacted: its first segments are gone; killed: at the moment when the log has the last
 * mail and the index has not been told of it.
 */
export const KINDS = ["whole", "compacted", "killed"] as const;
export type Kind = (typeof KINDS)[number];

interface Mail {
  readonly flags: string;
  readonly body: Buffer;
}
/** Address, mailbox and UID to flags and body. */
export type Model = ReadonlyMap<string, Mail>;
export interface KnownStore {
  readonly directory: string;
  readonly model: Model;
  /** The mails of a last group that the log alone has: torn, it is as if it had never been completed. */
  readonly unproven: readonly string[];
}

interface Served {
  readonly flags: string;
  /** The error where it was refused. */
  readonly body: Buffer | StoreDamage;
}

async function openStore(directory: string, onStep: (name: string) => void = () => undefined): Promise<MailStore> {
  const driver = await openLevelDriver({ directory, limits: SMALL, onStep });
  return openMailStore(driver, { limits: STORE, scryptCost: SCRYPT, scramIterations: 4_096 });
}

/** Makes a store of a kind in `root`; that of a kind "behind" is a killed one whose index has lost the last third. */
export async function fill(root: string, kind: Kind | "behind"): Promise<KnownStore> {
  const [made, directory] = [join(root, `${kind}-made`), join(root, kind)];
  let toCopy: string | undefined;
  const store = await openStore(made, (name) => {
    if (toCopy === undefined || name !== "commit:synced") return;
    cpSync(join(made, toCopy), join(directory, toCopy), { recursive: true });
    toCopy = undefined;
  });
  const ids: AccountId[] = [];
  for (const address of ADDRESSES) ids.push((await store.createAccount({ address, password: "secret" })).id);
  for (const id of ids) await store.createMailbox(id, "Kept");
  for (let i = 0; i < 60; i++) {
    if (kind === "behind" && i === 40) toCopy = "index";
    await deliver(
      store,
      i % 7 === 0 ? ids : [ids[i % 2] as AccountId],
      mail(i, [300, 3_000, 10_000, 24_000][i % 4] as number),
    );
    if (i % 5 === 4) await change(store, ids[i % 2] as AccountId, i);
  }
  if (kind === "compacted") expect(await compactUntilGone(store, ids, made)).toBe(true);
  if (kind === "killed") {
    // Who asks for what is not there waits until the index has all that came before: the last mail alone is unproven.
    expect(await store.resolve("nobody@example.org")).toBeUndefined();
    toCopy = "";
  }
  if (kind === "behind") toCopy = "segments";
  const last = mail(200, 300);
  await deliver(store, ids, last);
  const model = new Map([...(await readAll(store))].map(([key, served]) => [key, served as Mail]));
  await store.close();
  if (kind === "whole" || kind === "compacted") await cp(made, directory, { recursive: true });
  const isLastMail = (key: string): boolean => model.get(key)?.body.equals(last) === true;
  return { directory, model, unproven: kind === "killed" ? [...model.keys()].filter(isLastMail) : [] };
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

/** Those of even numbers fill their record. */
function mail(i: number, bytes: number): Buffer {
  const random = seededRandom(i);
  const head = Buffer.from(`Subject: mail ${i}\r\nMessage-ID: <${i}@example.org>\r\n\r\n`);
  const length = i % 2 === 0 ? Math.ceil((head.length + bytes) / 8) * 8 - head.length : bytes;
  return Buffer.concat([head, Buffer.from(Array.from({ length }, () => 32 + Math.floor(random() * 90)))]);
}

async function change(store: MailStore, account: AccountId, i: number): Promise<void> {
  const inbox = (await store.mailbox(account, "INBOX"))!;
  const kept = (await store.mailbox(account, "Kept"))!;
  const at = { account, mailbox: inbox.id };
  const uid = inbox.uidNext - 1;
  await store.setFlags(at, [[uid, uid]], { mode: "add", flags: ["\\Seen", `k${i}`] });
  await store.copy(at, [[uid, uid]], { account, mailbox: kept.id });
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
  for (let i = 100; i < 130; i++) await deliver(store, [ids[i % 2] as AccountId], mail(i, 3_000));
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

/** Mails that are not as in the model, by what is wrong with them; wrong bytes are an error. */
export interface Difference {
  readonly refused: readonly string[];
  readonly missing: readonly string[];
  readonly otherFlags: readonly string[];
  readonly unknown: readonly string[];
}

export const NO_DIFFERENCE: Difference = { refused: [], missing: [], otherFlags: [], unknown: [] };

/** Opens the directory and compares all that is served; a start that is refused is the error. */
export async function compare(directory: string, model: Model): Promise<Difference | StoreDamage> {
  let store: MailStore;
  try {
    store = await openStore(directory);
  } catch (error) {
    if (error instanceof StoreDamage) return error;
    throw error;
  }
  try {
    const served = await readAll(store);
    const [refused, missing, otherFlags]: string[][] = [[], [], []];
    for (const [key, { flags, body }] of model) {
      const now = served.get(key);
      if (now === undefined) missing!.push(key);
      else if (now.flags !== flags) otherFlags!.push(key);
      if (now === undefined) continue;
      if (!Buffer.isBuffer(now.body)) refused!.push(key);
      else if (!now.body.equals(body)) throw new Error(`${key} is served with other bytes`);
    }
    const unknown = [...served.keys()].filter((key) => !model.has(key));
    return { refused: refused!.sort(), missing: missing!, otherFlags: otherFlags!, unknown };
  } finally {
    await store.close();
  }
}
