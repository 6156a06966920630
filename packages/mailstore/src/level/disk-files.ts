// Segment files in a directory, readable by their owner alone.
import { read } from "node:fs";
import { open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SegmentFile, SegmentFiles } from "./segment-files.ts";

/** Ten bodies that lie apart are read in the time that nine take by the read of a `FileHandle`. */
const readAt = promisify(read);

class DiskFile implements SegmentFile {
  readonly #handle: FileHandle;
  /** Reads under way: the handle does not know of them, and the file's number may be another file's once it is closed. */
  #reads = 0;
  #onLastRead: (() => void) | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, length: number, room: Buffer = Buffer.allocUnsafeSlow(length)): Promise<Buffer> {
    if (this.#handle.fd < 0) throw new Error("the file is closed");
    let filled = 0;
    this.#reads++;
    try {
      while (filled < length) {
        const { bytesRead } = await readAt(this.#handle.fd, room, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } finally {
      if (--this.#reads === 0) this.#onLastRead?.();
    }
    return room.subarray(0, filled);
  }

  async write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    let left = pieces;
    let at = position;
    while (left.length > 0) {
      const { bytesWritten } = await this.#handle.writev(left, at);
      at += bytesWritten;
      left = without(left, bytesWritten);
    }
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  async close(): Promise<void> {
    if (this.#reads > 0) await new Promise<void>((resolve) => (this.#onLastRead = resolve));
    await this.#handle.close();
  }
}

/** What is left of `pieces` behind the first `written` bytes: a full disk may take a part only. */
function without(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skipped = 0;
  let rest = written;
  while (skipped < pieces.length && rest >= (pieces[skipped] as Uint8Array).length) {
    rest -= (pieces[skipped++] as Uint8Array).length;
  }
  const [first, ...others] = pieces.slice(skipped);
  return first === undefined ? [] : [first.subarray(rest), ...others];
}

export class DiskFiles implements SegmentFiles {
  readonly location: string;

  constructor(directory: string) {
    this.location = directory;
  }

  list(): Promise<readonly string[]> {
    return readdir(this.location);
  }

  async create(name: string): Promise<SegmentFile> {
    return new DiskFile(await open(join(this.location, name), "wx+", 0o600));
  }

  async open(name: string): Promise<SegmentFile> {
    return new DiskFile(await open(join(this.location, name), "r"));
  }

  async openToWrite(name: string): Promise<SegmentFile> {
    return new DiskFile(await open(join(this.location, name), "r+"));
  }

  rename(from: string, to: string): Promise<void> {
    return rename(join(this.location, from), join(this.location, to));
  }

  remove(name: string): Promise<void> {
    return rm(join(this.location, name), { force: true });
  }

  syncNames(): Promise<void> {
    return syncDirectory(this.location);
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
