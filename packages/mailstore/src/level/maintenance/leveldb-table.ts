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

/** The places of the blocks that are damaged; the first only, where nothing behind it can be found any more. */
export async function damagedBlocks(file: FileHandle): Promise<number[]> {
  const { size } = await file.stat();
  const footerAt = Math.max(0, size - FOOTER_BYTES);
  const footer = await readAt(file, footerAt, size - footerAt);
  if (footer.length < FOOTER_BYTES || !footer.subarray(-8).equals(MAGIC)) return [footerAt];
  const damages: number[] = [];
  try {
    const reader = new LeveldbReader(footer);
    const [meta, index] = [handleOf(reader), handleOf(reader)];
    const handles: BlockHandle[] = [meta, index];
    for (const { offset, size: length } of [meta, index]) {
      const block = await readAt(file, offset, length + TRAILER_BYTES);
      if (!isSound(block)) damages.push(offset);
      else for (const value of valuesOf(contentOf(block))) handles.push(handleOf(new LeveldbReader(value)));
    }
    if (damages.length > 0) return damages;
    await checkBlocks(file, handles, damages);
    // Nothing of the file is left unchecked.
    const covered = handles.reduce((sum, handle) => sum + handle.size + TRAILER_BYTES, FOOTER_BYTES);
    if (covered !== size && damages.length === 0) damages.push(footerAt);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    damages.push(footerAt);
  }
  return damages;
}

async function checkBlocks(file: FileHandle, handles: readonly BlockHandle[], damages: number[]): Promise<void> {
  const ascending = [...handles].sort((a, b) => a.offset - b.offset);
  let window: Buffer = Buffer.alloc(0);
  let windowAt = 0;
  for (const { offset, size } of ascending) {
    const length = size + TRAILER_BYTES;
    if (offset < windowAt || offset + length > windowAt + window.length) {
      window = await readAt(file, offset, Math.max(length, WINDOW_BYTES));
      windowAt = offset;
    }
    if (!isSound(window.subarray(offset - windowAt, offset - windowAt + length))) damages.push(offset);
  }
}

/** Whether a block with its trailer has the checksum that the trailer says. */
function isSound(block: Buffer): boolean {
  const body = block.length - 4;
  return body > 0 && maskedCrc32c(block.subarray(0, body)) === block.readUInt32LE(body);
}

function contentOf(block: Buffer): Buffer {
  const content = block.subarray(0, -TRAILER_BYTES);
  return block.at(-TRAILER_BYTES) === 1 ? uncompress(content) : content;
}

/** The values of a block's entries. */
function* valuesOf(content: Buffer): Generator<Buffer> {
  const restarts = content.readUInt32LE(content.length - 4);
  const reader = new LeveldbReader(content.subarray(0, content.length - 4 * (restarts + 1)));
  while (!reader.done) {
    reader.integer();
    const [keyBytes, valueBytes] = [reader.integer(), reader.integer()];
    reader.take(keyBytes);
    yield reader.take(valueBytes);
  }
}

function handleOf(reader: LeveldbReader): BlockHandle {
  return { offset: reader.integer(), size: reader.integer() };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}
