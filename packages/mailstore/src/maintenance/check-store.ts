// Verifies a data directory from the files' checksums up to each message, while no server has it open.
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DiskFiles } from "../level/disk-files.ts";
import { lostKey } from "../level/keys.ts";
import { LEVEL_LIMITS } from "../level/limits.ts";
import { readProvenEnd } from "../level/maintenance/index-alone.ts";
import { keptIndexes } from "../level/maintenance/kept-index.ts";
import { isUnreadable } from "../level/maintenance/readable-file.ts";
import { damagesOfIndex } from "../level/maintenance/set-aside.ts";
import { verifyIndexFiles } from "../level/maintenance/verify-index-files.ts";
import type { LevelDriver } from "../level/driver.ts";
import { refuseNoStore } from "../level/no-store.ts";
import { openLockedDriver } from "../level/open-directory.ts";
import { Segments } from "../level/segments.ts";
import { StoreDamage } from "../level/store-damage.ts";
import { lockStore, type StoreLock } from "../level/store-lock.ts";
import { Refusal } from "../refusal.ts";
import { MailCheck } from "./check-mail.ts";
import { readSegments, type SegmentsRead } from "./check-segments.ts";
import type { Finding } from "./finding.ts";
import type { MailListener } from "./mail-listener.ts";

export interface CheckOptions {
  readonly directory: string;
  readonly onFinding: (finding: Finding) => void;
  /** Told of what is being read, for whoever waits. */
  readonly onProgress?: (what: string) => void;
}

export interface CheckSummary {
  readonly findings: number;
  /** Undefined where the store could not be opened: then only its files were verified. */
  readonly accounts?: number;
  readonly mailboxes?: number;
  readonly messages?: number;
  readonly lost?: number;
  readonly segments: number;
  readonly bodies: number;
  /** Bodies of no message: space that compaction gives back. */
  readonly orphans: number;
  readonly orphanBytes: number;
}

/** Rejects where the directory holds no store, or is in use. */
export async function checkStore({ directory, onFinding, onProgress }: CheckOptions): Promise<CheckSummary> {
  await requireStore(directory);
  const lock = await lockStore(directory);
  try {
    return await checkLocked({ directory, onFinding, ...(onProgress === undefined ? {} : { onProgress }) }, lock);
  } finally {
    await lock.release();
  }
}

/** Rejects where a directory holds no store: to open it would make one. */
export async function requireStore(directory: string): Promise<void> {
  await refuseNoStore(directory);
  await access(join(directory, "segments")).catch((error: unknown) => {
    throw new Error(`${resolve(directory)} holds no mail store`, { cause: error });
  });
}

/** What a repair needs to know beside the findings. */
export interface CheckListener extends Partial<Omit<MailListener, "found">> {
  segmentsRead?(read: SegmentsRead): void;
}

export async function checkLocked(
  { directory, onFinding, onProgress }: CheckOptions,
  lock: StoreLock,
  listener: CheckListener = {},
): Promise<CheckSummary> {
  let findings = 0;
  const found = (finding: Finding): void => {
    findings++;
    onFinding(finding);
  };
  const onSegment = (done: number, all: number): void => onProgress?.(`segment ${done + 1} of ${all}`);
  onProgress?.("index");
  for await (const damage of damagesOfIndex(directory)) found(findingOf(damage));
  const isIndexSound = findings === 0;
  for (const kept of await keptIndexes(directory))
    for await (const damage of verifyIndexFiles(kept)) found(findingOf(damage));
  const driver = !isIndexSound ? undefined : await openOrTell(directory, lock, found);
  const segments =
    driver?.inside.segments ?? (await Segments.list(new DiskFiles(join(directory, "segments")), LEVEL_LIMITS));
  try {
    const end = driver?.inside.openedAt;
    const proven = driver === undefined && isIndexSound ? await readProvenEnd(directory) : undefined;
    const read = await readSegments({ segments, inside: driver?.inside, end, proven, onSegment });
    listener.segmentsRead?.(read);
    for (const { record } of read.damagedRecords) found(findingOf(record.damage));
    for (const damage of read.otherDamages) found(findingOf(damage));
    onProgress?.("messages");
    const mail =
      driver &&
      new MailCheck(driver, read, {
        lost() {},
        rowless() {},
        miscounted() {},
        missummed() {},
        unnoted() {},
        misstated() {},
        ...listener,
        found,
      });
    const checked = await mail?.run();
    for (const [place, record] of read.damagedBodies) {
      if (mail?.named.has(record) === true) continue;
      if ((await driver?.inside.index.get(lostKey(place))) !== undefined) continue;
      const finding = findingOf(record.damage);
      found(finding);
      // Where the store cannot be opened nobody knows whose it is, and there is no place to note that it is lost.
      if (driver !== undefined) listener.lost?.({ blob: place, place, finding });
    }
    return { findings, ...checked, segments: read.segments, ...read.places.totals() };
  } finally {
    await (driver ?? segments).close();
  }
}

/** Opened as a start does, which takes in what a crash left; undefined where a start would be refused. */
async function openOrTell(
  directory: string,
  lock: StoreLock,
  found: (finding: Finding) => void,
): Promise<LevelDriver | undefined> {
  try {
    // The lock is held on: whoever took it gives it up.
    return await openLockedDriver({ directory }, { ...lock, release: () => Promise.resolve() });
  } catch (error) {
    if (error instanceof StoreDamage) found(findingOf(error));
    else if (isUnreadable(error)) found({ what: `the store cannot be opened: ${causeOf(error).message}` });
    else throw error;
    return undefined;
  }
}

/** What the system said, where it was made a refusal. */
function causeOf(error: unknown): Error {
  return error instanceof Refusal && error.cause instanceof Error ? error.cause : (error as Error);
}

function findingOf({ what, file, offset }: StoreDamage): Finding {
  return { what, file, offset };
}
