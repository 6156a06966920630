// Accounts of a store that was restored. What it gave out behind the backup, nobody knows any more: when an account is first
// asked for, its mailboxes get a new UIDVALIDITY (RFC 9051 2.3.1.1), by which clients know that they have to read them anew,
// and note which restore that was, so that ids can tell (RFC 8474: none is used twice).
import { decodeDirectory } from "./account-state.ts";
import { RESTORED_KEY, type AccountHead, type StoreDriver, type Transaction } from "./driver.ts";
import { ACCOUNT_DIRECTORY, cursor, isMailbox, type AccountId } from "./ids.ts";
import { decodeProperties, encodeProperties, nextUidValidity } from "./mailbox-state.ts";
import { TransactionDraft } from "./transaction-draft.ts";

/** Mailboxes of one transaction: with the rights that they may have, thousands would be more than a transaction takes. */
const MAILBOXES_PER_STEP = 100;

export class RestoredAccounts {
  readonly #driver: Pick<StoreDriver, "commit" | "directory" | "head">;
  readonly #now: () => number;
  /** Which restore was the last. */
  #restored: Promise<string | undefined> | undefined;

  constructor(driver: Pick<StoreDriver, "commit" | "directory" | "head">, now: () => number) {
    this.#driver = driver;
    this.#now = now;
  }

  /** The head of an account, behind the last restore. */
  async head(account: AccountId): Promise<AccountHead | undefined> {
    const restored = await (this.#restored ??= this.#read());
    for (;;) {
      const head = await this.#driver.head(account);
      if (head === undefined || restored === undefined) return head;
      const renewal = renewalOf(head, restored, this.#now());
      if (renewal === null) return head;
      // Refused where somebody else was quicker: it is looked at once more.
      await this.#driver.commit([renewal]);
    }
  }

  async #read(): Promise<string | undefined> {
    try {
      const value = await this.#driver.directory.get(RESTORED_KEY);
      return value && Buffer.from(value).toString("latin1");
    } catch (error) {
      this.#restored = undefined;
      throw error;
    }
  }
}

/**
 * The next step; null where there is nothing to do. What the account or a mailbox has lost of itself, nobody can renew before
 * a repair states it anew.
 */
function renewalOf(head: AccountHead, restored: string, nowMs: number): Transaction | null {
  const mailboxes = head.mailboxes.filter(({ mailbox }) => isMailbox(mailbox));
  const known = mailboxes
    .filter(({ properties }) => properties.length > 0)
    .map((box) => ({ ...box, properties: decodeProperties(box) }));
  const old = known.filter(({ properties }) => properties.restored !== restored);
  const own = head.mailboxes.find(({ mailbox }) => mailbox === ACCOUNT_DIRECTORY);
  const directory = decodeDirectory(own?.properties ?? new Uint8Array(0));
  const isLost = directory.mailboxNext === 1 && mailboxes.length > 0;
  if (old.length === 0 && (isLost || directory.restored === restored)) return null;
  const draft = new TransactionDraft(head.account);
  let uidValidityLast = known.reduce(
    (most, box) => Math.max(most, box.properties.uidValidity),
    directory.uidValidityLast,
  );
  for (const { mailbox, guard, properties } of old.slice(0, MAILBOXES_PER_STEP)) {
    uidValidityLast = nextUidValidity(uidValidityLast, nowMs);
    draft.properties(mailbox, guard, encodeProperties({ ...properties, uidValidity: uidValidityLast, restored }));
  }
  if (!isLost && old.length <= MAILBOXES_PER_STEP) {
    const properties = encodeProperties({ ...directory, uidValidityLast, restored });
    draft.properties(ACCOUNT_DIRECTORY, own?.guard ?? cursor(0), properties);
  }
  return draft.finish({ enforceQuota: false });
}
