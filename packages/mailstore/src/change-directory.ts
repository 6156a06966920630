// The one way in which what an account has besides messages is changed: names, subscriptions, metadata.
import type { AccountState } from "./account-state.ts";
import type { Transaction } from "./driver.ts";
import type { Cursor } from "./ids.ts";
import { commitDecided, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";

/** Decides a change in the directory's turn; false from `decide` means that nothing has to change. */
export async function changeDirectory(
  context: StoreContext,
  account: AccountState,
  decide: (draft: TransactionDraft) => boolean | Promise<boolean>,
): Promise<Cursor> {
  account.holders++;
  const turn = account.directoryTurns.run(async () => {
    const committed = await commitDecided(context, account, async (): Promise<Transaction | null> => {
      const draft = new TransactionDraft(account.id);
      return (await decide(draft)) ? draft.finish({ enforceQuota: false }) : null;
    });
    return committed?.cursor ?? account.cursor;
  });
  return turn.finally(() => account.holders--);
}
