// What the crash test of the driver writes, and how its log is read back: shared by the writer and by who checks.
import { accountId, cursor, type AccountId, type BlobId, type Cursor, type StoreDriver } from "@pushmail/mailstore";

export const MAIL: AccountId = accountId(1);
export const NOTES: AccountId = accountId(2);

/** So small that every few commits begin a segment, take a checkpoint and give a body a file of its own. */
export const KILL_LIMITS = {
  segmentBytesMax: 48 * 1024,
  inlineBodyBytesMax: 8 * 1024,
  zeroFillBytesMin: 4 * 1024,
  zeroFillBytesMax: 16 * 1024,
  checkpointBytes: 40 * 1024,
  compactBytesMax: 8 * 1024,
};

/** One line of the writer's output. */
export interface Acknowledgement {
  readonly account: AccountId;
  readonly cursor: Cursor;
}

export interface LiveBody {
  readonly blob: BlobId;
  readonly size: number;
}

/** The bytes of a body from its serial number. */
export function bodyOf(serial: number, size: number): Buffer {
  const body = Buffer.alloc(size);
  let word = serial | 1;
  for (let i = 0; i < size; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    body[i] = word >>> 24;
  }
  return body;
}

/** The bodies in use by serial number, and the highest serial number. */
export async function foldLog(driver: StoreDriver): Promise<{ live: Map<number, LiveBody>; serial: number }> {
  const live = new Map<number, LiveBody>();
  let serial = 0;
  const { records } = await driver.log(MAIL, cursor(0), { limit: 1_000_000 });
  for (const { parts, blobs } of records) {
    const text = Buffer.from(parts[0]?.record ?? []).toString();
    if (text === "") continue;
    const facts = JSON.parse(text) as [number, number][] | { gone: number[] };
    if ("gone" in facts) {
      for (const own of facts.gone) live.delete(own);
      continue;
    }
    facts.forEach(([own, size], i) => live.set(own, { blob: blobs[i] as BlobId, size }));
    serial = Math.max(serial, ...facts.map(([own]) => own));
  }
  return { live, serial };
}
