// A table of LevelDB: sorted blocks, each behind its checksum, which LevelDB itself does not look at when it reads.
import type { FileHandle } from "node:fs/promises";
import { maskedCrc32c } from "./crc32c.ts";
import { LeveldbReader, uncompress } from "./leveldb-reader.ts";

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = Buffer.from("57fb808b247547db", "hex");
/** Bytes read at a time. */
const WINDOW_BYTES = 4 * 1024 * 1024;

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/** What of a file is in memory. The buffer serves one file after another: a new one each would cost as much as reading them. */
export class FileWindow {
  #buffer: Buffer = Buffer.alloc(0);
  #bytes: Buffer = this.#buffer;
  #at = 0;

  holds(offset: number, length: number): boolean {
    return offset >= this.#at && offset + length <= this.#at + this.#bytes.length;
  }

  async read(file: FileHandle, offset: number, length: number): Promise<void> {
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(Math.max(length, WINDOW_BYTES));
    const { bytesRead } = await file.read(this.#buffer, 0, length, offset);
    this.#at = offset;
    this.#bytes = this.#buffer.subarray(0, bytesRead);
  }

  /** What it holds of a range. */
  slice(offset: number, length: number): Buffer {
    const from = offset - this.#at;
    return this.#bytes.subarray(from, from + length);
  }

  /** Whether it holds a block with the checksum that its trailer says. */
  isSound({ offset, size }: BlockHandle): boolean {
    if (!this.holds(offset, size + TRAILER_BYTES)) return false;
    const from = offset - this.#at;
    const end = from + size + TRAILER_BYTES - 4;
    return maskedCrc32c(this.#bytes, from, end) === this.#bytes.readUInt32LE(end);
  }
}

/** The places of the blocks that are damaged; the first only, where nothing behind it can be found any more. */
export async function damagedBlocks(file: FileHandle, window: FileWindow): Promise<number[]> {
  const { size } = await file.stat();
  const footerAt = Math.max(0, size - FOOTER_BYTES);
  // Most tables are that small: this is all that is read.
  await window.read(file, Math.max(0, size - WINDOW_BYTES), Math.min(size, WINDOW_BYTES));
  const footer = window.slice(footerAt, FOOTER_BYTES);
  if (footer.length < FOOTER_BYTES || !footer.subarray(-8).equals(MAGIC)) return [footerAt];
  const damages: number[] = [];
  const hold = async ({ offset, size: blockBytes }: BlockHandle): Promise<void> => {
    const length = blockBytes + TRAILER_BYTES;
    if (window.holds(offset, length) || offset + length > size) return;
    await window.read(file, offset, Math.min(size - offset, Math.max(length, WINDOW_BYTES)));
  };
  try {
    const reader = new LeveldbReader(footer);
    const heads = [handleOf(reader), handleOf(reader)];
    const handles = [...heads];
    for (const head of heads) {
      await hold(head);
      if (!window.isSound(head)) damages.push(head.offset);
      else handles.push(...handlesIn(contentOf(window, head)));
    }
    if (damages.length > 0) return damages;
    for (const handle of handles.sort((a, b) => a.offset - b.offset)) {
      // Not for each of very many blocks.
      if (!window.holds(handle.offset, handle.size + TRAILER_BYTES)) await hold(handle);
      if (!window.isSound(handle)) damages.push(handle.offset);
    }
    // Nothing of the file is left unchecked.
    const covered = handles.reduce((sum, handle) => sum + handle.size + TRAILER_BYTES, FOOTER_BYTES);
    if (covered !== size && damages.length === 0) damages.push(footerAt);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    damages.push(footerAt);
  }
  return damages;
}

function contentOf(window: FileWindow, { offset, size }: BlockHandle): Buffer {
  const content = window.slice(offset, size);
  return window.slice(offset + size, 1)[0] === 1 ? uncompress(content) : content;
}

/** What the entries of a block point to. */
function* handlesIn(content: Buffer): Generator<BlockHandle> {
  const restarts = content.readUInt32LE(content.length - 4);
  const reader = new LeveldbReader(content.subarray(0, content.length - 4 * (restarts + 1)));
  while (!reader.done) {
    reader.integer();
    const [keyBytes] = [reader.integer(), reader.integer()];
    reader.skip(keyBytes);
    yield handleOf(reader);
  }
}

function handleOf(reader: LeveldbReader): BlockHandle {
  return { offset: reader.integer(), size: reader.integer() };
}
