// What changes of an account come to, for one who looks at more than the selected mailbox: each mailbox and each name
// once, however much happened to it. What is told of them is how they are then.
import type { Change, ChangeRecord, MailboxId } from "@pushmail/mailstore";

const OF_ACCESS: ReadonlySet<Change["type"]> = new Set([
  "MailboxCreated",
  "MailboxDeleted",
  "MailboxRenamed",
  "RightsChanged",
]);

/** What happened to the messages of a mailbox. */
export interface MessageNews {
  readonly mailbox: MailboxId;
  /** Some came or went. */
  counts: boolean;
  flags: boolean;
  /** It is new itself, perhaps in the place of another of its name. */
  isNew: boolean;
}

export class News {
  readonly messages: Map<MailboxId, MessageNews> = new Map();
  /** Names that mailboxes now have, or no longer have, each with the name before it where it was renamed. */
  readonly names: Map<string, string | undefined> = new Map();
  /** New names of mailboxes below those that were renamed, each with the one before it. */
  readonly namesBelow: Map<string, string | undefined> = new Map();
  readonly subscriptions: Set<string> = new Set();
  /** Entries of metadata, by mailbox; those of the server by null. */
  readonly metadata: Map<MailboxId | null, Set<string>> = new Map();
  /** Whether other mailboxes than before may be open to others, or under other names. */
  isOfAccess = false;

  add(record: ChangeRecord): void {
    for (const change of record.changes) this.#add(change, record);
    this.addAccess(record);
  }

  /** Takes note of no more than what changes for others. */
  addAccess({ changes }: ChangeRecord): void {
    this.isOfAccess ||= changes.some(({ type }) => OF_ACCESS.has(type));
  }

  /** Takes note that something in a mailbox was not told. */
  addMailbox(mailbox: MailboxId): void {
    Object.assign(this.#messagesOf(mailbox), { counts: true, flags: true });
  }

  addEntry(mailbox: MailboxId | null, entry: string): void {
    let entries = this.metadata.get(mailbox);
    if (entries === undefined) this.metadata.set(mailbox, (entries = new Set()));
    entries.add(entry);
  }

  #add(change: Change, record: ChangeRecord): void {
    switch (change.type) {
      case "MessageAppended":
      case "MessageExpunged":
        this.#messagesOf(change.mailbox).counts = true;
        return;
      case "FlagsChanged":
        this.#messagesOf(change.mailbox).flags = true;
        return;
      case "MailboxCreated":
        this.#messagesOf(change.mailbox).isNew = true;
        this.#addName(change.name);
        return;
      case "MailboxDeleted":
        this.messages.delete(change.mailbox);
        this.metadata.delete(change.mailbox);
        this.#addName(change.name);
        return;
      case "MailboxRenamed":
        this.#namesOf(record, change.oldName).set(change.name, change.oldName);
        return;
      case "MailboxSubscribed":
      case "MailboxUnsubscribed":
        this.subscriptions.add(change.name);
        return;
      case "MailboxMetadataChanged":
        this.addEntry(change.mailbox, change.entry);
        return;
      case "ServerMetadataChanged":
        this.addEntry(null, change.entry);
        return;
      case "RightsChanged":
    }
  }

  #namesOf({ changes }: ChangeRecord, oldName: string): Map<string, string | undefined> {
    return changes.some((other) => isRenameAbove(other, oldName)) ? this.namesBelow : this.names;
  }

  #messagesOf(mailbox: MailboxId): MessageNews {
    let news = this.messages.get(mailbox);
    if (news === undefined) this.messages.set(mailbox, (news = { mailbox, counts: false, flags: false, isNew: false }));
    return news;
  }

  /** RFC 5465 5.4: the parent of what was created or deleted is another than before, too. */
  #addName(name: string): void {
    const end = name.lastIndexOf("/");
    if (end > 0 && !this.names.has(name.slice(0, end))) this.names.set(name.slice(0, end), undefined);
    if (!this.names.has(name)) this.names.set(name, undefined);
  }
}

function isRenameAbove(change: Change, name: string): boolean {
  return change.type === "MailboxRenamed" && name.startsWith(`${change.oldName}/`);
}
