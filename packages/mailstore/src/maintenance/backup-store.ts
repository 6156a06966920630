// A consistent copy of a data directory, of a running server too: its files are read in an order
// that makes them fit. First the index, then the log, which goes on from there; then the bodies that the log names.
// Where compaction removes something meanwhile, all is gone through again; in the end compaction is asked to wait.
import { open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { syncDirectory } from "../level/disk-files.ts";
import { copyIndex, copySynced } from "../level/maintenance/copy-index.ts";
import { readProvenEnd } from "../level/maintenance/index-alone.ts";
import { isNone, keepIndex } from "../level/maintenance/kept-index.ts";
import { ignoreMissing, readVersion } from "../level/maintenance/leveldb-version.ts";
import { verifyIndexFiles } from "../level/maintenance/verify-index-files.ts";
import type { LogPosition } from "../level/log-writer.ts";
import { INCOMPLETE_FILE, isLogIncomplete } from "../level/maintenance/whole-log.ts";
import { makeDirectory, makeLastingDirectory } from "../level/make-directory.ts";
import { BACKUP_FILE, isThere, RESTORING_FILE } from "../level/no-store.ts";
import { noteRestored } from "../level/restored.ts";
import { readStoreId } from "../level/store-id.ts";
import { isSegmentName } from "../level/segments.ts";
import { StoreDamage } from "../level/store-damage.ts";
import { lockStore } from "../level/store-lock.ts";
import {
  copySegments,
  filesBySegment,
  OTHER_FOLDER,
  segmentNames,
  sharedSegments,
  type SealedSegments,
  type SegmentsCopied,
} from "./backup-segments.ts";
import { checkStore, requireStore, type CheckSummary } from "./check-store.ts";
import type { Finding } from "./finding.ts";
import { noteIncomplete } from "./mend-segment.ts";

export interface BackupSummary {
  readonly segments: number;
  /** Bytes of segments that were copied; the others were there from an earlier backup. */
  readonly copiedBytes: number;
}

/** What a backup consists of; written last, so that one cut short leaves the one before it as it was. */
interface Contents {
  readonly format: 1;
  readonly finishedAt: string;
  /** The folder of the index. */
  readonly index: string;
  /** Their files. */
  readonly segments: readonly string[];
  readonly sealed: SealedSegments;
  /** What lies behind its end has come by a later backup that was cut short. */
  readonly open?: SegmentsCopied["open"];
  /** Files of the data directory beside the store: key, certificate. */
  readonly files: readonly string[];
  /** Their folder, where it is not `files`. */
  readonly filesIn?: string;
  /** Whether a repair has left a hole in the log; where it is not told, a file among the segments says so. */
  readonly isIncomplete?: boolean;
}

export interface BackupOptions {
  /**
   * Waits for compaction to end, and keeps it from beginning until what is returned is called. Asked for only where
   * compaction has come between too often.
   */
  readonly holdCompaction?: () => Promise<() => void>;
  /** Passes in which compaction may come between, before it is held. */
  readonly triesMax?: number;
}

/** Copies into `target`, which is made, or holds an earlier backup of the same store. */
export async function backupStore(
  directory: string,
  target: string,
  options: BackupOptions = {},
): Promise<BackupSummary> {
  await requireStore(directory);
  if (isWithin(target, directory)) throw new Error("a backup cannot lie in the data directory itself");
  if (isWithin(directory, target)) throw new Error("a backup cannot lie around the data directory");
  await makeLastingDirectory(resolve(target));
  await earlierBackup(directory, target);
  await makeDirectory(join(target, "segments"));
  const lock = await lockStore(target);
  try {
    // Another one may have come to its end meanwhile.
    const before = await earlierBackup(directory, target);
    await removeRest(target);
    const summary = await backUp(directory, target, { before, ...options }).catch(async (error: unknown) => {
      // What cannot be removed now, the next backup removes.
      await removeRest(target).catch(() => undefined);
      throw error;
    });
    await removeRest(target);
    return summary;
  } finally {
    await lock.release();
  }
}

/** Of the same store, or none; rejects where something else is there. */
async function earlierBackup(directory: string, target: string): Promise<Contents | undefined> {
  const before = await readContents(target);
  if (before === undefined && (await readdir(target)).some((name) => !LEFT_BEHIND.test(name))) {
    throw new Error(`${target} holds something that is no backup`);
  }
  const known = before && (await readStoreId(join(target, before.filesIn ?? "files")));
  if (known !== undefined && known !== (await readStoreId(directory))) {
    throw new Error(`${target} holds a backup of another store, which stays as it is: take another directory`);
  }
  return before;
}

function isWithin(path: string, directory: string): boolean {
  return `${resolve(path)}${sep}`.startsWith(`${resolve(directory)}${sep}`);
}

const PEEK_FOLDER = "peek";
/** What a backup cut short may leave. */
const LEFT_BEHIND = /^(segments|peek|lock|holder\.json|index-\d+|files(-\d+)?|backup\.json\.part)$/;

interface Copying extends BackupOptions {
  readonly before: Contents | undefined;
}

async function backUp(directory: string, target: string, options: Copying): Promise<BackupSummary> {
  const [index, filesIn] = [`index-${Date.now()}`, `files-${Date.now()}`];
  const { files: segmentFiles, copiedBytes, sealed, open } = await copyStore(directory, target, { index, ...options });
  const files = await copyFiles(directory, target, filesIn);
  const segments = [...segmentFiles.values()].sort();
  for (const folder of new Set([...segments.map(dirname), "."])) await syncDirectory(join(target, "segments", folder));
  const finishedAt = new Date().toISOString();
  const isIncomplete = await isLogIncomplete(join(directory, "segments"));
  await writeContents(target, { format: 1, finishedAt, index, segments, sealed, open, files, filesIn, isIncomplete });
  return { segments: segments.length, copiedBytes };
}

/** Removes what is of an earlier backup, or of one that was cut short. What is not ours stays. */
async function removeRest(target: string): Promise<void> {
  const { index, filesIn = "files", segments, isIncomplete } = (await readContents(target)) ?? {};
  const kept = new Set(segments);
  for (const name of await readdir(target)) {
    if (/^(index-\d+|files(-\d+)?|peek)$/.test(name) && name !== index && name !== filesIn)
      await rm(join(target, name), { recursive: true });
  }
  for (const folder of [".", OTHER_FOLDER]) {
    for (const name of (await readdir(join(target, "segments", folder)).catch(ignoreMissing)) ?? [])
      if (isSegmentName(name) && !kept.has(join(folder, name))) await rm(join(target, "segments", folder, name));
  }
  if (isIncomplete !== undefined) await rm(join(target, "segments", INCOMPLETE_FILE), { force: true });
}

async function copyStore(
  directory: string,
  target: string,
  { index, before, holdCompaction, triesMax = 20 }: Copying & { readonly index: string },
): Promise<SegmentsCopied> {
  const [from, to] = [join(directory, "segments"), join(target, "segments")];
  const files = filesBySegment(before?.segments ?? []);
  const known = await sharedSegments(from, to, { sealed: before?.sealed ?? {}, files });
  let release: (() => void) | undefined;
  try {
    for (let tries = 1; ; tries++) {
      const listed = await segmentNames(from);
      await copySoundIndex(join(directory, "index"), join(target, index), before && join(target, before.index));
      const provenEnd = (): Promise<LogPosition | undefined> => provenEndOf(target, index);
      const there = { known, before: files, openBefore: before?.open, provenEnd };
      const copied = await copySegments(from, to, { listed, ...there });
      if (copied !== undefined) return copied;
      if (tries === triesMax) release = await holdCompaction?.();
      if (tries === (release === undefined ? triesMax : 2 * triesMax)) break;
    }
  } finally {
    release?.();
  }
  throw new Error("segments are removed faster than they can be copied");
}

/** A damaged index takes the place of no sound one, be the damage in the store or in what an earlier backup has of it. */
async function copySoundIndex(from: string, to: string, known: string | undefined): Promise<void> {
  await copyIndex(from, to, known);
  if ((await readVersion(to)) === undefined)
    throw new StoreDamage("there is no backup before a start or a repair: the index is missing", from, 0);
  if (await isNone(verifyIndexFiles(to))) return;
  await copyIndex(from, to, undefined);
  for await (const { what, file, offset } of verifyIndexFiles(to))
    throw new StoreDamage(`there is no backup before a repair: ${what}`, join(from, basename(file)), offset);
}

/** What a copied index says of where the log ends. To open it would change its files: a copy of its own is asked. */
async function provenEndOf(target: string, index: string): Promise<LogPosition | undefined> {
  const peek = join(target, PEEK_FOLDER);
  try {
    await makeDirectory(peek);
    await copyIndex(join(target, index), join(peek, "index"), join(target, index));
    return await readProvenEnd(peek);
  } finally {
    await rm(peek, { recursive: true, force: true });
  }
}

/** The key, the certificate and what else lies beside the store. */
async function copyFiles(directory: string, target: string, folder: string): Promise<string[]> {
  await makeDirectory(join(target, folder));
  const files: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "holder.json") continue;
    await copySynced(join(directory, entry.name), join(target, folder, entry.name));
    files.push(entry.name);
  }
  await syncDirectory(join(target, folder));
  return files;
}

export interface RestoreOptions {
  /**
   * Nothing came into the store behind the backup: mailboxes keep their UIDVALIDITY. Else each gets a new one when its
   * account is first asked for, since UIDs that were given out behind the backup are given out again (RFC 9051 2.3.1.1).
   */
  readonly isMoved?: boolean;
}

/** Puts a backup in place, into a directory that is empty or not there, and checks it. */
export async function restoreStore(
  backup: string,
  directory: string,
  onFinding: (finding: Finding) => void,
  { isMoved = false }: RestoreOptions = {},
): Promise<CheckSummary> {
  const contents = await readContents(backup);
  if (contents === undefined) throw new Error(`${backup} holds no backup that was finished`);
  await makeLastingDirectory(resolve(directory));
  if ((await readdir(directory)).length > 0) throw new Error(`${directory} is not empty`);
  const restoring = join(directory, RESTORING_FILE);
  await writeFile(restoring, "", { mode: 0o600 });
  if (!isMoved) await noteRestored(directory);
  await syncDirectory(directory);
  const index = join(backup, contents.index);
  const folders = [
    { from: index, to: join(directory, "index"), names: await readdir(index) },
    { from: join(backup, "segments"), to: join(directory, "segments"), names: contents.segments },
    { from: join(backup, contents.filesIn ?? "files"), to: directory, names: contents.files },
  ];
  for (const { from, to, names } of folders) {
    await makeDirectory(to);
    for (const name of names) await copySynced(join(from, name), join(to, basename(name)));
    await syncDirectory(to);
  }
  if (contents.open !== undefined)
    await cutSynced(join(directory, "segments", contents.open.name), contents.open.bytes);
  if (contents.isIncomplete ?? (await isLogIncomplete(join(backup, "segments")))) await noteIncomplete(directory);
  await rm(restoring);
  await keepIndex(directory).catch((error: unknown) => {
    // The check tells it.
    if (!(error instanceof StoreDamage)) throw error;
  });
  return checkStore({ directory, onFinding });
}

async function cutSynced(path: string, bytes: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.truncate(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readContents(target: string): Promise<Contents | undefined> {
  const path = join(target, BACKUP_FILE);
  if (!(await isThere(path))) return undefined;
  try {
    const contents = JSON.parse(await readFile(path, "utf8")) as Contents;
    if (contents.format === 1) return contents;
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${path} is of another format`);
}

async function writeContents(target: string, contents: Contents): Promise<void> {
  const path = join(target, BACKUP_FILE);
  await writeFile(`${path}.part`, JSON.stringify(contents), { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
  await syncDirectory(target);
}
