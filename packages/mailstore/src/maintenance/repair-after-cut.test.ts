// A power cut that tears the end of the log, and a flipped bit further ahead: a repair loses what the bit was in, and says
// so; nothing else that was acknowledged is lost. CUT_AND_FLIPPED=80 plays more of them.
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, it } from "@jest/globals";
import { openDriver } from "../level/driver.ts";
import { SILENT } from "../level/driver-log.ts";
import { openLevelDriver } from "../level/index.ts";
import { LEVEL_LIMITS } from "../level/limits.ts";
import { keptIndexes } from "../level/maintenance/kept-index.ts";
import { isLogIncomplete } from "../level/maintenance/whole-log.ts";
import { openLevel } from "../level/open-level.ts";
import { RECORD_HEAD_BYTES, RECORD_MAGIC } from "../level/record.ts";
import { SimulatedDisk, type DiskImage } from "../level/test-support/simulated-disk.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailStore, MailboxAt } from "../store.ts";
import { randomFrom, type Random } from "../test-support/random-from.ts";
import { checkStore } from "./check-store.ts";
import type { Finding } from "./finding.ts";
import { repairStore } from "./repair-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
const ADDRESS = "ann@example.org";
const RUNS = Number(process.env["CUT_AND_FLIPPED"] ?? 8);
const SMALL = { ...LEVEL_LIMITS, segmentBytesMax: 2_048, checkpointBytes: 4_096, zeroFillBytesMin: 512 };

async function inboxOf(store: MailStore): Promise<MailboxAt> {
  const { account, mailbox } = (await store.resolve(ADDRESS))!;
  return { account: account.id, mailbox };
}

async function deliver(store: MailStore, text: string): Promise<void> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`);
  }
  const message = await store.stage(body(), { bytesMax: 10_000 });
  await store.append([{ ...(await inboxOf(store)), message }]);
}

/** What a cut leaves that comes while a mail is written, behind others that were acknowledged. */
async function cutWhileDelivering(random: Random): Promise<{ mails: string[]; image: DiskImage }> {
  const disk = await SimulatedDisk.from();
  const driver = await openDriver({
    files: disk,
    index: disk.index,
    limits: random(2) === 0 ? LEVEL_LIMITS : SMALL,
    log: SILENT,
    onStep: () => undefined,
    now: Date.now,
    release: () => Promise.resolve(),
  });
  const store = openMailStore(driver, OPTIONS);
  await store.createAccount({ address: ADDRESS, password: "secret" });
  const mails = Array.from({ length: 6 + random(6) }, (_, i) => `mail ${i}.`);
  for (const mail of mails) await deliver(store, mail);
  let left = 1 + random(4);
  const cut = new Promise<DiskImage>((resolve) => {
    disk.beforeOperation = () => {
      if (left-- === 0) resolve(disk.cut(random));
    };
  });
  const delivered = deliver(store, "the last").then(() => disk.cut(random));
  return { mails, image: await Promise.race([cut, delivered]) };
}

/** Flips a bit of a record that was written between the first mail and the last; tells the mail that it came with. */
function flip({ files }: DiskImage, mails: readonly string[], random: Random): string {
  const places = [...files].flatMap(([name, bytes]) => {
    const found: { readonly bytes: Buffer; readonly at: number }[] = [];
    if (!name.endsWith(".seg")) return found;
    for (let at = bytes.indexOf(RECORD_MAGIC); at >= 0; at = bytes.indexOf(RECORD_MAGIC, at + 1))
      found.push({ bytes, at });
    return found;
  });
  const textIn = ({ bytes, at }: (typeof places)[number]): string | undefined =>
    /^Subject: (.*)\r/.exec(bytes.toString("latin1", at + RECORD_HEAD_BYTES, at + 60))?.[1];
  const [first, last] = [
    places.findIndex((place) => textIn(place) === mails[0]),
    places.findIndex((place) => textIn(place) === mails.at(-1)),
  ];
  const chosen = first + random(last - first);
  const { bytes, at } = places[chosen] as (typeof places)[number];
  const place = at + random(RECORD_HEAD_BYTES - 4 + bytes.readUInt32LE(at + 4));
  const mail = places
    .slice(0, chosen + 1)
    .map(textIn)
    .findLast((text) => text !== undefined) as string;
  bytes[place] = (bytes[place] as number) ^ (1 << random(8));
  return mail;
}

async function write({ files, entries }: DiskImage, directory: string): Promise<void> {
  await mkdir(join(directory, "segments"), { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(directory, "segments", name), bytes);
  const index = await openLevel(join(directory, "index"), { keyEncoding: "buffer", valueEncoding: "buffer" });
  await index.batch(entries.map(([key, value]) => ({ type: "put", key, value })));
  await index.close();
}

async function servedBy(directory: string): Promise<string[]> {
  const store = openMailStore(await openLevelDriver({ directory }), OPTIONS);
  const handle = await store.open(await inboxOf(store));
  await handle.ready();
  const texts: string[] = [];
  for await (const rows of handle.metadata([[1, 2 ** 32 - 1]])) {
    for (const { blob } of rows) {
      const pieces: Uint8Array[] = [];
      try {
        for await (const piece of store.body(blob)) pieces.push(piece);
      } catch {
        continue;
      }
      texts.push(/^Subject: (.*)\r/.exec(Buffer.concat(pieces).toString())?.[1] ?? "");
    }
  }
  handle.release();
  await store.close();
  return texts;
}

async function play(random: Random, directory: string): Promise<number> {
  const { mails, image } = await cutWhileDelivering(random);
  const hit = flip(image, mails, random);
  await write(image, directory);
  const lost: Finding[] = [];
  const told = { onMended: () => undefined, onLost: (finding: Finding) => lost.push(finding) };
  expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ left: [] });
  const findings: Finding[] = [];
  await checkStore({ directory, onFinding: (finding) => findings.push(finding) });
  expect(findings).toEqual([]);
  const served = await servedBy(directory);
  const missing = mails.filter((mail) => !served.includes(mail));
  expect([[], [hit]]).toContainEqual(missing);
  if (missing.length > 0) expect(lost.length).toBeGreaterThan(0);
  const voids = lost.filter(({ what }) => what.endsWith("bytes are kept in damaged/"));
  if (voids.length > 0) {
    const kept = await readdir(join(directory, "damaged"));
    for (const { file, offset } of voids) expect(kept).toContain(`${basename(file!)}-${offset}`);
    // Of such a log no index is made again.
    expect(await isLogIncomplete(join(directory, "segments"))).toBe(true);
    expect(await keptIndexes(directory)).toHaveLength(1);
  }
  return missing.length;
}

it(
  "loses the mail of the record that is damaged at most, and tells of it",
  async () => {
    const base = await mkdtemp(join(tmpdir(), "pushmail-cut-"));
    let missing = 0;
    for (let seed = Number(process.env["TEST_SEED"]), last = seed + RUNS; seed < last; seed++) {
      missing += await play(randomFrom(seed), join(base, String(seed))).catch((error: unknown) => {
        throw new Error(`with TEST_SEED=${seed} CUT_AND_FLIPPED=1`, { cause: error });
      });
    }
    expect(missing).toBeGreaterThan(0);
    await rm(base, { recursive: true });
  },
  30_000 + 4_000 * RUNS,
);
