// What bodies a closed log segment holds: walked once from its record heads, then kept in the index.
import type { KeyIndex } from "./key-index.ts";
import { contentsKey } from "./keys.ts";
import { LogScanner } from "./log-scanner.ts";
import { recordBytes, SEGMENT_HEADER_BYTES } from "./record.ts";
import type { SegmentLease } from "./segments.ts";

/** The length of each body's record, by its offset. */
export type SegmentContents = ReadonlyMap<number, number>;

export async function readContents(index: KeyIndex, lease: SegmentLease): Promise<SegmentContents> {
  const key = contentsKey(lease.header.number);
  const known = await index.get(key);
  if (known !== undefined) return decode(known);
  const contents = await walk(lease);
  await index.turn(() => index.apply([{ key, value: encode(contents) }]));
  return contents;
}

async function walk(lease: SegmentLease): Promise<SegmentContents> {
  const scanner = new LogScanner(lease);
  const contents = new Map<number, number>();
  let offset = SEGMENT_HEADER_BYTES;
  for (let head = await scanner.head(offset); head !== undefined; head = await scanner.head(offset)) {
    const bytes = recordBytes(head.length);
    if (head.type === "blob") contents.set(offset, bytes);
    offset += bytes;
  }
  return contents;
}

function encode(contents: SegmentContents): Buffer {
  const bytes = Buffer.allocUnsafe(8 * contents.size);
  let at = 0;
  for (const [offset, length] of contents) {
    bytes.writeUInt32LE(offset, at);
    bytes.writeUInt32LE(length, at + 4);
    at += 8;
  }
  return bytes;
}

function decode(bytes: Buffer): SegmentContents {
  const contents = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += 8) contents.set(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4));
  return contents;
}
