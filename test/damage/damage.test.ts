// Flipped bits, overwritten and cut files, in every kind of file of a data directory: whatever is served is what was
// stored, and what cannot be served is refused by name; a check finds it, a repair mends it or lists the loss.
// TEST_DAMAGES=300 tries more of them.
import { access, constants, cp, mkdtemp, open, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { StoreDamage } from "@pushmail/mailstore";
import { checkStore, repairStore, type CheckSummary, type Finding } from "@pushmail/mailstore/maintenance";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { compare, fill, KINDS, NO_DIFFERENCE, type Difference, type Kind, type KnownStore } from "./stored-mail.ts";

const TRIES = Number(process.env["TEST_DAMAGES"] ?? 1);
const BURST_BYTES = 60;
jest.setTimeout(240_000 + 20_000 * TRIES);

/** Every kind of file, and what stands for those in which nothing is kept; and the store that has it, where one alone does. */
const FILES: readonly (readonly [pattern: RegExp, only?: Kind])[] = [
  [/^segments\/.*\.seg$/],
  [/^index\/\d+\.ldb$/],
  [/^segments\/.*\.body$/],
  [/^index\/MANIFEST/],
  [/^kept\//, "compacted"],
  [/^index\/CURRENT$/],
  [/^index\/\d+\.log$/],
  [/\.spare$|^lock\/|LOG$|holder|store-id/],
];

/** Files with records or blocks, and how large those are at most. */
const PLACED: readonly (readonly [pattern: RegExp, bytes: number, only?: Kind])[] = [
  [/^segments\/.*\.seg$/, 20_000],
  [/^segments\/.*\.body$/, 100_000],
  [/^index\/\d+\.ldb$/, 20_000],
  [/^kept\/.*\.ldb$/, 20_000, "compacted"],
];

let root: string;
const stores = new Map<string, KnownStore>();
let copies = 0;

beforeAll(async () => {
  // Syncs prove nothing here; without them it takes a fraction of the time.
  const memory = "/dev/shm";
  const parent = await access(memory, constants.W_OK).then(
    () => memory,
    () => tmpdir(),
  );
  root = await mkdtemp(join(parent, "pushmail-damage-"));
  for (const kind of KINDS) stores.set(kind, await fill(root, kind));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What is done to one file. */
interface Damage {
  readonly file: string;
  readonly what: string;
  readonly run: (path: string) => Promise<void>;
}

async function damagedCopy(from: string, damage?: Damage): Promise<string> {
  const directory = join(root, `copy-${copies++}`);
  await cp(from, directory, { recursive: true });
  await damage?.run(join(directory, damage.file));
  return directory;
}

async function overwrite(path: string, at: number, change: (bytes: Buffer) => void): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BURST_BYTES), 0, BURST_BYTES, at);
    const bytes = buffer.subarray(0, bytesRead);
    change(bytes);
    await file.write(bytes, 0, bytes.length, at);
  } finally {
    await file.close();
  }
}

function burst(file: string, at: number): Damage {
  const what = `${file} overwritten at ${at}`;
  return { file, what, run: (path) => overwrite(path, at, (bytes) => bytes.fill(0xa5)) };
}

function cut(file: string, at: number): Damage {
  return { file, what: `${file} cut at ${at}`, run: (path) => truncate(path, at) };
}

function flip(file: string, at: number, bit: number): Damage {
  const change = (bytes: Buffer): unknown => (bytes[0] = (bytes[0] as number) ^ (1 << bit));
  return { file, what: `bit ${bit} of ${file} flipped at ${at}`, run: (path) => overwrite(path, at, change) };
}

type Way = (file: string, at: number, bit: number) => Damage;
const EVERY_WAY: readonly Way[] = [flip, cut, burst];

/** A damage of a directory, to one of the files that a pattern names. */
async function damageOf(directory: string, pattern: RegExp, how: { way: Way; random: () => number }): Promise<Damage> {
  const below = (bound: number): number => Math.floor(how.random() * bound);
  const files: [file: string, bytes: number][] = [];
  for (const file of (await filesOf(directory)).filter((name) => pattern.test(name))) {
    const { size } = await stat(join(directory, file));
    if (size > 0) files.push([file, size]);
  }
  const [file, bytes] = files[below(files.length)] ?? [];
  if (file === undefined || bytes === undefined) throw new Error(`no file is there like ${pattern}`);
  return how.way(file, below(bytes), below(8));
}

/** Over the three stores each kind of file is flipped, cut and overwritten once; then come any damages, so many to each. */
async function* damagesOf(kind: Kind, directory: string): AsyncGenerator<Damage> {
  const random = seededRandom(testSeed());
  const turn = KINDS.indexOf(kind);
  for (const [i, [pattern, only]] of FILES.entries()) {
    if (only !== undefined && only !== kind) continue;
    const ways = only === undefined ? [EVERY_WAY[(i + turn) % EVERY_WAY.length] as Way] : EVERY_WAY;
    for (const way of ways) yield damageOf(directory, pattern, { way, random });
  }
  const there = FILES.filter(([, only = kind]) => only === kind);
  for (let i = 0; i < TRIES; i++) {
    const [pattern] = there[Math.floor(random() * there.length)] as (typeof FILES)[number];
    const way = EVERY_WAY[Math.floor(random() * EVERY_WAY.length)] as Way;
    yield damageOf(directory, pattern, { way, random });
  }
}

async function filesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
    .sort();
}

async function check(directory: string): Promise<{ readonly findings: Finding[]; readonly summary: CheckSummary }> {
  const findings: Finding[] = [];
  const summary = await checkStore({ directory, onFinding: (finding) => findings.push(finding) });
  return { findings, summary };
}

/** The mails that findings name, in order. */
function mailsIn(findings: readonly Finding[]): string[] {
  return findings
    .flatMap(({ account, mailbox, uid }) => (uid === undefined ? [] : [`${account}/${mailbox}/${uid}`]))
    .sort();
}

/** What the store serves, but for what is refused: all of it, or all but a last group that no crash can be told from. */
function expectWhole(found: Difference, { unproven }: KnownStore): void {
  const missing = found.missing.length > 0 ? unproven : [];
  expect({ ...found, refused: [] }).toEqual({ ...NO_DIFFERENCE, missing });
}

/** Damages copies, and follows them from the first start to the check behind the repair. */
async function follow(store: KnownStore, damage: Damage): Promise<"unharmed" | "mended" | "lost"> {
  const started = await damagedCopy(store.directory, damage);
  const before = await compare(started, store.model);
  const copy = await damagedCopy(store.directory, damage);
  const { findings } = await check(copy);
  // A manifest that is cut between two records is an older one: then tables that it names are found missing.
  const suspects = damage.file.startsWith("index/MANIFEST") ? [damage.file, ".ldb"] : [damage.file];
  const inFile = findings.filter(({ file }) => suspects.some((suspect) => file?.endsWith(suspect) === true));
  // What is wrong is found, with file and offset.
  if (findings.length > 0) expect(inFile.length).toBeGreaterThan(0);
  for (const { offset } of inFile) expect(offset).toBeGreaterThanOrEqual(0);
  // What a start serves is as it was, or refused and found.
  if (before instanceof StoreDamage)
    expect(findings.map(({ file }) => file)).toContain(before.file.replace(started, copy));
  else {
    expectWhole(before, store);
    expect(mailsIn(findings)).toEqual(before.refused);
  }
  const [mended, lost]: [string[], Finding[]] = [[], []];
  const told = { onMended: (what: string) => mended.push(what), onLost: (finding: Finding) => lost.push(finding) };
  const repaired = await repairStore({ directory: copy, dryRun: false, ...told });
  expect(repaired).toMatchObject({ left: [], mended: mended.length, lost: lost.length });
  if (findings.length > 0) expect(mended.length + lost.length).toBeGreaterThan(0);
  // A second check knows of nothing but what was listed.
  const second = await check(copy);
  expect(second.findings).toEqual([]);
  expect(second.summary.lost).toBe(mailsIn(lost).length);
  const after = await compare(copy, store.model);
  if (after instanceof StoreDamage) throw after;
  expect(after.refused).toEqual(mailsIn(lost));
  // Where a transaction is lost whose mails nobody knows, that was listed.
  if (mailsIn(lost).length === lost.length) expectWhole(after, store);
  for (const made of [started, copy]) await rm(made, { recursive: true });
  return lost.length > 0 ? "lost" : mended.length > 0 ? "mended" : "unharmed";
}

describe.each(KINDS)("a data directory (%s)", (kind) => {
  const known = (): KnownStore => stores.get(kind) as KnownStore;

  async function followAll(damages: AsyncIterable<Damage>): Promise<Record<string, number>> {
    const outcomes: Record<string, number> = { unharmed: 0, mended: 0, lost: 0 };
    for await (const damage of damages) {
      const outcome = await follow(known(), damage).catch((error: unknown) => {
        throw new Error(`${kind}: ${damage.what} (TEST_SEED=${testSeed()})`, { cause: error });
      });
      outcomes[outcome] = (outcomes[outcome] as number) + 1;
    }
    return outcomes;
  }

  it("is clean, and serves what it was given", async () => {
    const copy = await damagedCopy(known().directory);
    expect((await check(copy)).findings).toEqual([]);
    expect(known().model.size).toBeGreaterThan(50);
    expect(await compare(copy, known().model)).toEqual(NO_DIFFERENCE);
  });

  it("never serves a wrong byte nor loses a mail in silence, whatever is damaged", async () => {
    const outcomes = await followAll(damagesOf(kind, known().directory));
    expect(outcomes["lost"]).toBeGreaterThan(0);
  });

  it("finds what few of the random ones hit", async () => {
    const files = await filesOf(known().directory);
    const newest = files.findLast((file) => file.endsWith(".seg")) as string;
    const bytes = await readFile(join(known().directory, newest));
    const lastMail = bytes.lastIndexOf("Subject: mail 200") - 24;
    const outcomes = await followAll(
      // A name that is of no manifest; the last transactions that the index was told of.
      Readable.from([flip("index/CURRENT", 14, 0), cut(newest, lastMail - 100), burst(newest, lastMail - 100)]),
    );
    expect(outcomes["mended"]).toBeGreaterThan(0);
    expect(outcomes["lost"]).toBeGreaterThan(0);
  });

  it("is told with the place where it is, be it in a segment, a body or a table of the index or its copy", async () => {
    const { directory } = known();
    for (const [pattern, recordBytesMax] of PLACED.filter(([, , only = kind]) => only === kind)) {
      const files = (await filesOf(directory)).filter((name) => pattern.test(name));
      const sizes = await Promise.all(files.map(async (name) => (await stat(join(directory, name))).size));
      const bytes = Math.max(...sizes);
      const file = files[sizes.indexOf(bytes)] as string;
      const at = Math.floor((3 * bytes) / 4);
      const copy = await damagedCopy(directory, burst(file, at));
      const [found] = (await check(copy)).findings;
      expect(found).toMatchObject({ file: join(copy, file) });
      // Where the record or the block begins in which it lies.
      expect(found?.offset).toBeGreaterThan(Math.max(0, at - recordBytesMax));
      expect(found?.offset).toBeLessThanOrEqual(at);
      await rm(copy, { recursive: true });
    }
  });

  it("makes the header of each segment again", async () => {
    const files = (await filesOf(known().directory)).filter((file) => /\.(seg|body)$/.test(file));
    const some = [
      files[0],
      files.findLast((file) => file.endsWith(".seg")),
      files.find((file) => file.endsWith(".body")),
    ];
    const outcomes = await followAll(Readable.from(some.map((file) => burst(file as string, 0))));
    expect(outcomes).toEqual({ unharmed: 0, mended: 3, lost: 0 });
  });

  it("never serves the bytes behind a head that is gone", async () => {
    // Of a length that fills its record: nothing but the kind of the record put in its place tells them apart.
    const heads: Damage[] = [];
    for (const file of await filesOf(known().directory)) {
      if (!file.endsWith(".seg")) continue;
      const bytes = await readFile(join(known().directory, file));
      const subject = bytes.indexOf("Subject: mail", Math.floor(bytes.length / 3));
      if (subject > 0 && heads.length < 1) heads.push(burst(file, subject - 20));
    }
    const outcomes = await followAll(Readable.from(heads));
    expect(outcomes).toEqual({ unharmed: 0, mended: 0, lost: 1 });
  });
});

describe("a transaction that is lost in the log, and that the index had not got", () => {
  it("is listed; the store goes on behind it, and clients read the state anew", async () => {
    const { directory, model } = await fill(root, "behind");
    const copy = await damagedCopy(directory);
    expect(await compare(copy, model)).toEqual(NO_DIFFERENCE);
    const segment = (await filesOf(directory)).filter((file) => file.endsWith(".seg"));
    const [file, at] = await batchBehind(directory, segment, "Subject: mail 46\r\n");
    const damaged = await damagedCopy(directory, burst(file, at + 30));
    expect(await compare(damaged, model)).toMatchObject({ file: join(damaged, file), offset: at });
    const lost: Finding[] = [];
    const mended: string[] = [];
    const told = { onMended: (what: string) => mended.push(what), onLost: (finding: Finding) => lost.push(finding) };
    const repaired = await repairStore({ directory: damaged, dryRun: false, ...told });
    expect(repaired.left).toEqual([]);
    expect(lost[0]).toMatchObject({ file: join(damaged, file), offset: at });
    expect(mended).toContain("clients read the state anew: the log of changes has a gap");
    const { findings } = await check(damaged);
    expect(findings).toEqual([]);
    const after = await compare(damaged, model);
    expect(after).toMatchObject({ refused: [], unknown: [] });
    expect((after as Difference).missing).toEqual([expect.stringContaining("/INBOX/")]);
  });
});

/** Where the batch begins that follows a text in the log. */
async function batchBehind(directory: string, files: readonly string[], text: string): Promise<[string, number]> {
  for (const file of files) {
    const bytes = await readFile(join(directory, file));
    const body = bytes.indexOf(text);
    if (body >= 0) return [file, bytes.indexOf(Buffer.from("PMr\xc3", "latin1"), body)];
  }
  throw new Error(`${text} is not in the log`);
}
