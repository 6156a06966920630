// The payload of a batch record: index operations, written ahead. They are absolute values, so replaying is idempotent.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { Operation } from "./key-index.ts";

export function encodeOperations(operations: readonly Operation[]): Buffer {
  const writer = new ByteWriter();
  for (const { key, value } of operations) {
    writer.bytes(key);
    if (value === null) writer.integer(0);
    else writer.integer(1).bytes(value);
  }
  return writer.finish();
}

export function decodeOperations(payload: Buffer): Operation[] {
  const reader = new ByteReader(payload);
  const operations: Operation[] = [];
  while (!reader.done) {
    operations.push({ key: reader.bytes(), value: reader.integer() === 0 ? null : reader.bytes() });
  }
  return operations;
}
