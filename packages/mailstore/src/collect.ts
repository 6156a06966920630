// Which bodies are in use: every row of every mailbox, with what copies refer to while the counting goes on.
import type { BlobId } from "./ids.ts";
import { readBlobs } from "./cold-rows.ts";
import type { Accounts } from "./accounts.ts";
import { contentsOf, type StoreContext } from "./store-context.ts";

/** Reclaims the space of bodies without a reference, one call at a time; returns the bytes given back. */
export async function collect(context: StoreContext, accounts: Accounts): Promise<number> {
  // A message copied out of a mailbox not yet counted into one that was, and then expunged, is in neither:
  // such bodies are gathered here from before the counting begins until it ends.
  context.copiedWhileCounting = new Set();
  try {
    // Copies that began before have not told theirs.
    await Promise.allSettled(context.inTurns);
    return await context.driver.blobs.compact(() => references(context, accounts));
  } finally {
    context.copiedWhileCounting = null;
  }
}

async function* references(context: StoreContext, accounts: Accounts): AsyncGenerator<Iterable<BlobId>> {
  for await (const { id } of accounts.all()) {
    const account = await accounts.load(id);
    if (account.losses[0] !== undefined) throw account.losses[0];
    for (const mailbox of account.mailboxes.values()) {
      const release = context.indexes.hold(mailbox);
      try {
        yield* readBlobs(context, mailbox.at, await contentsOf(context, mailbox));
      } catch (error) {
        // What it was read from goes with a mailbox that is deleted.
        if (account.mailboxes.has(mailbox.at.mailbox)) throw error;
      } finally {
        release();
      }
    }
  }
  yield [...(context.copiedWhileCounting ?? [])] as BlobId[];
}
