// Messages that are in a mailbox, but of whose size, date and body nothing is left: what a damaged index may come to. They
// can be expunged; that they were copied or moved is never said.
import type { MailboxContents } from "./mailbox-contents.ts";
import type { Uid } from "./ids.ts";
import type { MailboxAt } from "./store.ts";
import { addCounts, countsOf } from "./transaction-draft.ts";
import type { Rows, Taken } from "./transfer.ts";
import { addUidRange, EMPTY_UID_SET, uidSetSize, uidSetValues, type UidSet } from "./uid-set.ts";

/** Those of a set, up to a UID, that are there and were not found. */
export function lostOf(
  { columns }: MailboxContents,
  { uids, last }: { readonly uids: UidSet; readonly last: Uid },
  found: readonly Uid[],
): UidSet {
  // Many ranges are mostly those of messages that are there: looking each up would take 0.1 s of half a million.
  if (uidSetSize(uids) === found.length) return EMPTY_UID_SET;
  let there = 0;
  for (const [first, end] of columns.rowRanges(uids)) there += end - first;
  const lost: [Uid, Uid][] = [];
  if (there === found.length) return lost;
  const known = new Set(found);
  for (const [first, end] of columns.rowRanges(uids)) {
    for (let row = first; row < end; row++) {
      const uid = columns.uids[row] as Uid;
      if (uid <= last && !known.has(uid)) addUidRange(lost, uid, uid);
    }
  }
  return lost;
}

/** Rows with those that are lost: these count as far as they are known. */
export function withLost({ uids, counts, lost }: Taken, { columns }: MailboxContents): Rows {
  if (lost.length === 0) return { uids, counts };
  const more = [...uidSetValues(lost)];
  const rows = more.map((uid) => ({ flags: columns.flagsAt(columns.rowOf(uid)).names, sizeBytes: 0 }));
  return { uids: [...uids, ...more], counts: addCounts(counts, countsOf(rows)) };
}

export function lossOf({ account, mailbox }: MailboxAt): Error {
  return new Error(`messages of account ${account}, mailbox ${mailbox} have lost their bodies: have the store checked`);
}
