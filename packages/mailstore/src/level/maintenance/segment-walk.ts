// Goes through a segment record by record, past whatever is damaged: to the next head that verifies in its place.
import { LogScanner, type ScannedSegment } from "../log-scanner.ts";
import { recordBytes, SEGMENT_HEADER_BYTES, type RecordHead } from "../record.ts";
import { StoreDamage } from "../store-damage.ts";

export type WalkStep =
  | { readonly type: "body"; readonly offset: number; readonly head: RecordHead }
  | { readonly type: "batch"; readonly offset: number; readonly head: RecordHead; readonly payload: Buffer }
  | {
      readonly type: "damage";
      readonly offset: number;
      /** Where the next record begins. */
      readonly end: number;
      /** Undefined where even that is damaged. */
      readonly head: RecordHead | undefined;
      readonly damage: StoreDamage;
    }
  /** The end of the valid records; torn bytes are those of a group that was never completed. */
  | { readonly type: "end"; readonly offset: number; readonly tornBytes: number };

/** What is known of where the valid records of a segment end. */
export interface KnownEnd {
  /** There. */
  readonly until?: number | undefined;
  /** Not before it. */
  readonly proven?: number | undefined;
}

export async function* walkSegment(lease: ScannedSegment, known: KnownEnd = {}): AsyncGenerator<WalkStep> {
  const { until } = known;
  const scanner = new LogScanner(lease);
  let offset = SEGMENT_HEADER_BYTES;
  while (until === undefined || offset < until) {
    const head = await scanner.head(offset);
    const payload = head === undefined ? undefined : await scanner.payload(offset, head);
    if (head !== undefined && payload !== undefined) {
      if (head.type === "blob") yield { type: "body", offset, head };
      if (head.type === "batch") yield { type: "batch", offset, head, payload };
      offset += recordBytes(head.length);
      continue;
    }
    const next = await nextRecord(scanner, { offset, head, known });
    if ("tornBytes" in next) return void (yield { type: "end", offset, tornBytes: next.tornBytes });
    const what = head === undefined ? "a record is damaged" : `a ${NAMES[head.type]} fails its checksum`;
    yield { type: "damage", offset, end: next.at, head, damage: new StoreDamage(what, lease.path, offset) };
    offset = next.at;
  }
  yield { type: "end", offset, tornBytes: 0 };
}

const NAMES: Record<RecordHead["type"], string> = { blob: "body", batch: "transaction", void: "void" };

/** Where the walk goes on behind a record that does not verify; or that it is torn: no later group was begun behind it. */
async function nextRecord(
  scanner: LogScanner,
  { offset, head, known }: { readonly offset: number; readonly head: RecordHead | undefined; readonly known: KnownEnd },
): Promise<{ readonly at: number } | { readonly tornBytes: number }> {
  const { until, proven = 0 } = known;
  let first: number | undefined;
  let validEnd = offset;
  let isProven = until !== undefined || offset < proven;
  for await (const found of scanner.heads(offset + 1)) {
    if (until !== undefined && found.offset >= until) break;
    first ??= found.offset;
    validEnd = found.offset + recordBytes(found.head.length);
    isProven ||= found.head.groupStart > offset;
    if (isProven) break;
  }
  if (!isProven) return { tornBytes: validEnd - offset };
  const behind = head === undefined ? undefined : offset + recordBytes(head.length);
  return { at: Math.min(behind ?? first ?? until ?? proven, until ?? Infinity) };
}
