// Where the log ended that the index holds, written with each group. The index is told of a group only when it is synced:
// a log that ends before that place was not cut short by a crash.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { KeyDatabase, KeyIndex, Operation } from "./key-index.ts";
import { indexedEndKey } from "./keys.ts";
import type { LogPosition } from "./log-writer.ts";

export function indexedEndOperation({ segment, offset }: LogPosition): Operation {
  return { key: indexedEndKey(), value: new ByteWriter().integer(segment).integer(offset).finish() };
}

/** Undefined for an index that was never told of a group. */
export async function readIndexedEnd(index: Pick<KeyIndex | KeyDatabase, "get">): Promise<LogPosition | undefined> {
  const value = await index.get(indexedEndKey());
  if (value === undefined) return undefined;
  const reader = new ByteReader(value);
  return { segment: reader.integer(), offset: reader.integer() };
}
