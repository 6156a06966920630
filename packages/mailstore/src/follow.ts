// The change feed as an async iterator, for programs that work through what happens to an account: one cursor, no queue.
import type { ChangesPage } from "./change.ts";
import { type AccountId, type Cursor, cursor } from "./ids.ts";
import { FOLLOWED_RECORDS_MAX } from "./limits.ts";
import type { MailStore } from "./store.ts";

export interface FollowOptions {
  /** The cursor behind which to begin: `through` of the last page that was dealt with, 0 for all from the account's first. */
  readonly since: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/**
 * The changes of an account from a cursor on, as they come, a page at a time; none is read before it is asked for.
 * A page that is too old says that changes are no longer kept: compare with the state, what follows is behind it.
 */
export function follow(
  store: Pick<MailStore, "changes" | "watch">,
  account: AccountId,
  { since, signal }: FollowOptions,
): AsyncGenerator<ChangesPage, void, undefined> {
  const left = new AbortController();
  const ends = signal === undefined ? [left.signal] : [left.signal, signal];
  const pages = pagesUntil(ends, store, account, since);
  const [end, fail] = [pages.return.bind(pages), pages.throw.bind(pages)];
  // A generator that waits hears of neither before it goes on, which may be never.
  pages.return = (value) => {
    left.abort();
    return end(value);
  };
  pages.throw = (error) => {
    left.abort();
    return fail(error);
  };
  return pages;
}

async function* pagesUntil(
  ends: readonly AbortSignal[],
  store: Pick<MailStore, "changes" | "watch">,
  account: AccountId,
  since: number,
): AsyncGenerator<ChangesPage, void, undefined> {
  let through: Cursor = cursor(since);
  let isDirty = true;
  let wake = (): void => undefined;
  const look = (): void => {
    isDirty = true;
    wake();
  };
  const stop = store.watch(account, look);
  for (const end of ends) end.addEventListener("abort", look);
  try {
    while (!ends.some(({ aborted }) => aborted)) {
      isDirty = false;
      const page = await store.changes(account, through, FOLLOWED_RECORDS_MAX);
      through = page.through;
      const isNews = page.tooOld || page.records.length > 0;
      if (isNews) yield page;
      if (isNews || isDirty) continue;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
    for (const end of ends) end.removeEventListener("abort", look);
  }
}
