// The messages of a set that a client knows, a batch at a time, so that no more of them is held.
import type { Uid, UidSet } from "@pushmail/mailstore";
import type { MailboxView } from "../mailbox-view.ts";

/** The UIDs of a set that the view has, ascending, at most `size` at once. */
export function* uidBatches(view: MailboxView, uids: UidSet, size: number): Generator<readonly Uid[]> {
  let batch: Uid[] = [];
  for (const [first, last] of uids) {
    for (let row = view.lowerBound(first); row < view.count && (view.uids[row] as Uid) <= last; row++) {
      if (batch.push(view.uids[row] as Uid) < size) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
