// How many kinds of keywords a mailbox may have, whatever brings them: messages come with all of theirs or not at all
// (RFC 9051 6.4.7, 7.1: LIMIT). Of those that come at the same time each may take what is left.
import type { AccountState } from "./account-state.ts";
import type { FlagSets } from "./flag-sets.ts";
import { Refusal } from "./refusal.ts";
import { contentsOf, type StoreContext } from "./store-context.ts";
import type { TransactionDraft } from "./transaction-draft.ts";

/** Refuses messages that bring a mailbox more keywords than there is room for. */
export async function checkKeywordsBrought(
  context: StoreContext,
  account: AccountState,
  draft: TransactionDraft,
): Promise<void> {
  for (const [mailbox, keywords] of draft.keywords()) {
    const { flagSets } = await contentsOf(context, account.mailbox(mailbox));
    checkKeywordCount(flagSets, keywords, context.limits);
  }
}

/** Refuses keywords for which there is no room beside those that are known; more of what is known may always come. */
export function checkKeywordCount(
  known: FlagSets,
  keywords: Iterable<string>,
  { keywordsMax }: { readonly keywordsMax: number },
): void {
  let count = known.keywordCount;
  for (const keyword of keywords) {
    if (!known.knows(keyword) && ++count > keywordsMax)
      throw new Refusal("tooManyKeywords", "too many different keywords");
  }
}
