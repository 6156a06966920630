// A mailbox that somebody has open: a thin handle on the state which all of them share.
import type { AccountState } from "./account-state.ts";
import { readDetails, readMetadata } from "./cold-rows.ts";
import type { AccountId, Cursor, MailboxId, Uid } from "./ids.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { saveRecentFrom } from "./recent-marks.ts";
import type {
  MailboxHandle,
  MailboxStatus,
  MessageDetails,
  MessageIndex,
  MessageMetadata,
  RecentChanges,
} from "./store.ts";
import { contentsOf, type StoreContext } from "./store-context.ts";
import { normalizeUidSet, uidSetDifference, uidSetOf, type UidSet } from "./uid-set.ts";

export class OpenMailbox implements MailboxHandle {
  readonly #context: StoreContext;
  readonly #account: AccountState;
  readonly #mailbox: MailboxState;
  readonly #release: () => void;
  #released = false;

  constructor(context: StoreContext, account: AccountState, mailbox: MailboxState) {
    this.#context = context;
    this.#account = account;
    this.#mailbox = mailbox;
    this.#release = context.indexes.hold(mailbox);
  }

  get account(): AccountId {
    return this.#mailbox.at.account;
  }

  get id(): MailboxId {
    return this.#mailbox.at.mailbox;
  }

  get restored(): string | null {
    return this.#mailbox.properties.restored ?? null;
  }

  get status(): MailboxStatus | undefined {
    const mailbox = this.#mailbox;
    return mailbox.deleted ? undefined : mailbox.status(this.#account.isSubscribed(mailbox.properties.name));
  }

  get through(): Cursor {
    return this.#account.cursor;
  }

  get recentFrom(): Uid {
    return this.#mailbox.recentFrom;
  }

  async ready(): Promise<MessageIndex> {
    return (await contentsOf(this.#context, this.#mailbox)).columns;
  }

  recent(since: Cursor, limit: number): RecentChanges | undefined {
    const { cursor: through } = this.#account;
    const { contents } = this.#mailbox;
    if (contents === null || since > through || through - since > limit) return undefined;
    const records = this.#account.recentSince(since, limit);
    return records && { records, through, index: contents.columns };
  }

  keywords(): readonly string[] {
    return this.#mailbox.contents?.flagSets.keywords() ?? [];
  }

  async *metadata(uids: UidSet): AsyncGenerator<readonly MessageMetadata[]> {
    const contents = await contentsOf(this.#context, this.#mailbox);
    yield* readMetadata(this.#context, this.#mailbox.at, contents, normalizeUidSet(uids));
  }

  async *details(uids: UidSet): AsyncGenerator<readonly MessageDetails[]> {
    const contents = await contentsOf(this.#context, this.#mailbox);
    yield* readDetails(this.#context, this.#mailbox.at, contents, normalizeUidSet(uids));
  }

  async vanishedSince(since: Cursor): Promise<UidSet> {
    const { vanished, columns } = await contentsOf(this.#context, this.#mailbox);
    const known = vanished.since(since);
    if (known !== undefined) return known;
    const last = this.#mailbox.head.uidNext - 1;
    return last < 1 ? [] : uidSetDifference([[1, last]], uidSetOf(columns.uids.subarray(0, columns.count)));
  }

  claimRecent(): Uid {
    const from = this.#mailbox.recentFrom;
    this.#mailbox.recentFrom = this.#mailbox.head.uidNext;
    return from;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#release();
    // Not waited for: losing it announces the messages once more.
    saveRecentFrom(this.#context.driver, [{ account: this.#account, mailboxes: [this.#mailbox] }]).catch(
      () => undefined,
    );
  }
}
