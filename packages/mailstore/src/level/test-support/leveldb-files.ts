// LevelDB's files made by hand, for states of them that it does not come to by itself in a test.
import { ByteWriter } from "../../byte-codec.ts";
import { maskedCrc32c } from "../maintenance/crc32c.ts";

/** A record of one of LevelDB's logs, whole in one fragment. */
export function fragment(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt16LE(bytes.length, 4);
  header[6] = 1;
  header.writeUInt32LE(maskedCrc32c(Buffer.concat([header.subarray(6), bytes])), 0);
  return Buffer.concat([header, bytes]);
}

/** A manifest that names the log from which the newest writes are, and tables by their numbers with their sizes. */
export function manifestOf(logNumber: number, tables: ReadonlyMap<number, number> = new Map()): Buffer {
  const writer = new ByteWriter().integer(2).integer(logNumber);
  const none = new Uint8Array(0);
  for (const [number, size] of tables)
    writer.integer(7).integer(0).integer(number).integer(size).bytes(none).bytes(none);
  return fragment(writer.finish());
}
