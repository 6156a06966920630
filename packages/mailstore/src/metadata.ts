// Sets entries of metadata (RFC 5464): each is a head of its own, so that a record says what has changed and no more.
import { bytesOf, encodeEntry, type EntryProperties, type StoredEntry } from "./account-metadata.ts";
import type { AccountState } from "./account-state.ts";
import { changeDirectory } from "./change-directory.ts";
import { ACCOUNT_DIRECTORY, cursor, mailboxId, type Cursor, type MailboxId } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { encodeProperties } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import type { MetadataChange, SpecialUse } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import type { TransactionDraft } from "./transaction-draft.ts";

export interface MetadataRequest {
  /** 0 for the account itself. */
  readonly mailbox: MailboxId;
  readonly changes: readonly MetadataChange[];
  readonly specialUse?: SpecialUse | null;
}

/** RFC 6154 4: as which entry the special use of a mailbox is told. */
const SPECIAL_USE_ENTRY = "/private/specialuse";

export async function setMetadata(
  context: StoreContext,
  account: AccountState,
  { mailbox, changes, specialUse }: MetadataRequest,
): Promise<Cursor | undefined> {
  // Of an entry that is named twice, the last value stays.
  const last = new Map(changes.map((change) => [change.name.toLowerCase(), change]));
  let isChanged = false;
  const through = await changeDirectory(context, account, (draft) => {
    const box = mailbox === ACCOUNT_DIRECTORY ? undefined : account.mailbox(mailbox);
    const hasOtherUse = box !== undefined && specialUse !== undefined && specialUse !== box.properties.specialUse;
    if (hasOtherUse) {
      draft
        .state(mailbox, box.head.guard, { type: "metadata", mailbox, entry: SPECIAL_USE_ENTRY })
        .properties(mailbox, box.head.guard, encodeProperties({ ...box.properties, specialUse }));
    }
    const entries = new EntriesDraft(account, draft);
    for (const { name, value } of last.values()) {
      if (value === null) entries.remove(mailbox, name);
      else entries.set({ mailbox, name, value });
    }
    const isOver = account.metadata.of(mailbox).length + entries.added > context.limits.metadataEntriesMax;
    if (entries.added > 0 && isOver) throw new Refusal("tooManyEntries", "too many entries of metadata");
    entries.checkBytes(context.limits);
    isChanged = entries.changed || hasOtherUse;
    return isChanged;
  });
  // Else it is the cursor of somebody else's change.
  return isChanged ? through : undefined;
}

/** What a transaction does to entries, and what these come to more or less by it. */
export class EntriesDraft {
  readonly #account: AccountState;
  readonly #draft: TransactionDraft;
  #next: MailboxId;
  changed = false;
  added = 0;
  bytes = 0;

  constructor(account: AccountState, draft: TransactionDraft) {
    this.#account = account;
    this.#draft = draft;
    this.#next = account.metadata.next;
  }

  set(entry: EntryProperties): void {
    const before = this.#account.metadata.find(entry.mailbox, entry.name);
    if (before !== undefined && Buffer.compare(before.value, entry.value) === 0) return;
    this.#tell(this.#write(entry, before), entry);
  }

  remove(mailbox: MailboxId, name: string): void {
    const entry = this.#account.metadata.find(mailbox, name);
    if (entry === undefined) return;
    this.#drop(entry);
    this.#tell(entry.id, entry);
  }

  /** For a mailbox that goes itself. */
  removeAll(mailbox: MailboxId): void {
    for (const entry of this.#account.metadata.of(mailbox)) this.#drop(entry);
  }

  /** For a mailbox that is new. */
  copyAll(from: MailboxId, to: MailboxId): void {
    for (const { name, value } of this.#account.metadata.of(from)) this.#write({ mailbox: to, name, value }, undefined);
  }

  /** Refuses what would be too much for the account. */
  checkBytes({ metadataBytesMax }: Pick<StoreLimits, "metadataBytesMax">): void {
    if (this.bytes > 0 && this.#account.metadata.bytes + this.bytes > metadataBytesMax) {
      throw new Refusal("tooManyEntries", "too much metadata in this account");
    }
  }

  #write(entry: EntryProperties, before: StoredEntry | undefined): MailboxId {
    const properties = encodeEntry(entry);
    const id = before?.id ?? this.#next;
    this.#draft.properties(id, before?.guard ?? cursor(0), properties);
    this.bytes += bytesOf(properties) - (before?.bytes ?? 0);
    if (before !== undefined) return id;
    this.#next = mailboxId(id + 1);
    this.added++;
    return id;
  }

  #drop({ id, guard, bytes }: StoredEntry): void {
    this.#draft.properties(id, guard, null);
    this.bytes -= bytes;
    this.added--;
  }

  #tell(id: MailboxId, { mailbox, name }: Pick<EntryProperties, "mailbox" | "name">): void {
    this.#draft.state(id, undefined, { type: "metadata", mailbox, entry: name });
    this.changed = true;
  }
}
