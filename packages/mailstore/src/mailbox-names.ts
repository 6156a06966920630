// Mailboxes as a tree of names: create, rename, delete, subscribe. Levels are separated by "/", INBOX exists always.
import type { AccountState } from "./account-state.ts";
import { changeDirectory } from "./change-directory.ts";
import { ACCOUNT_DIRECTORY, mailboxId, type Cursor } from "./ids.ts";
import type { RightsEntry } from "./mailbox-rights.ts";
import { encodeProperties, nextUidValidity, type MailboxState } from "./mailbox-state.ts";
import { EntriesDraft } from "./metadata.ts";
import { Refusal } from "./refusal.ts";
import { SEPARATOR, superiorsOf } from "./superiors.ts";
import type { MailboxStatus, SpecialUse } from "./store.ts";
import { inTurn, type StoreContext } from "./store-context.ts";
import type { TransactionDraft } from "./transaction-draft.ts";
import { appendCopies, expungeRows, takeRows } from "./transfer.ts";

export const INBOX = "INBOX";

/** What a new account starts with. */
const FIRST_MAILBOXES: readonly { readonly name: string; readonly specialUse: SpecialUse | null }[] = [
  { name: INBOX, specialUse: null },
  { name: "Archive", specialUse: "Archive" },
  { name: "Drafts", specialUse: "Drafts" },
  { name: "Junk", specialUse: "Junk" },
  { name: "Sent", specialUse: "Sent" },
  { name: "Trash", specialUse: "Trash" },
];

/** INBOX in any case of ASCII: upper case makes an I of a dotless i too. */
const ANY_INBOX = /^inbox$/i;

/** The name as it is kept: INBOX in capitals whatever its case, NFC, checked against the limits. */
export function normalizeMailboxName(name: string, limits: StoreContext["limits"]): string {
  // Before it is normalized: that takes the square of how many marks stand on one letter.
  if (name.length > limits.mailboxNameBytesMax) throw nameInvalid();
  const normal = name.normalize("NFC");
  const levels = normal.split(SEPARATOR);
  if (ANY_INBOX.test(normal)) return INBOX;
  if (ANY_INBOX.test(levels[0] as string)) levels[0] = INBOX;
  const bad =
    levels.some((level) => level === "") ||
    levels.length > limits.mailboxLevelsMax ||
    Buffer.byteLength(normal) > limits.mailboxNameBytesMax ||
    // Controls and halves of surrogate pairs can be told to no client.
    /\p{Cc}|\p{Cs}|[\u2028\u2029]/u.test(normal);
  if (bad) throw nameInvalid();
  return levels.join(SEPARATOR);
}

function nameInvalid(): Refusal {
  return new Refusal("mailboxNameInvalid", "not a mailbox name that can be used");
}

/** Writes a new account's first mailboxes; harmless where they are there. */
export async function createFirstMailboxes(context: StoreContext, account: AccountState): Promise<void> {
  await changeDirectory(context, account, (draft) => {
    if (account.named(INBOX) !== undefined) return false;
    const names = new Names(context, account, draft);
    const missing = FIRST_MAILBOXES.filter(({ name }) => account.named(name) === undefined);
    for (const { name, specialUse } of missing) names.create(name, specialUse);
    names.save([...new Set([...account.directory.subscriptions, ...missing.map(({ name }) => name)])]);
    return true;
  });
}

export async function createMailbox(
  context: StoreContext,
  account: AccountState,
  request: { readonly name: string; readonly specialUse: SpecialUse | null },
): Promise<MailboxStatus> {
  const name = normalizeMailboxName(request.name, context.limits);
  let id = ACCOUNT_DIRECTORY;
  await changeDirectory(context, account, (draft) => {
    if (account.named(name) !== undefined) throw new Refusal("mailboxExists", "a mailbox of that name exists");
    const names = new Names(context, account, draft);
    id = names.createWithSuperiors(name, request.specialUse);
    names.save();
    return true;
  });
  // Others may have renamed it by now, or deleted it: then it is refused.
  const created = account.mailbox(id);
  return created.status(account.isSubscribed(created.properties.name));
}

/** Deletes a mailbox; tells what others could do with it. */
export async function deleteMailbox(
  context: StoreContext,
  account: AccountState,
  request: string,
): Promise<{ readonly cursor: Cursor; readonly rights: readonly RightsEntry[] }> {
  const name = normalizeMailboxName(request, context.limits);
  if (name === INBOX) throw new Refusal("mailboxProtected", "INBOX cannot be deleted");
  let rights: readonly RightsEntry[] = [];
  const cursor = await changeDirectory(context, account, (draft) => {
    const mailbox = existing(account, name);
    rights = mailbox.properties.rights ?? [];
    const { messages, unseen, deleted, bytes, guard } = mailbox.head;
    draft
      .state(
        mailbox.at.mailbox,
        guard,
        { type: "deleted", name },
        { messages: -messages, unseen: -unseen, deleted: -deleted, bytes: -bytes },
      )
      .properties(mailbox.at.mailbox, guard, null);
    new EntriesDraft(account, draft).removeAll(mailbox.at.mailbox);
    return true;
  });
  return { cursor, rights };
}

export async function renameMailbox(
  context: StoreContext,
  account: AccountState,
  request: { readonly from: string; readonly to: string },
): Promise<Cursor> {
  const from = normalizeMailboxName(request.from, context.limits);
  const to = normalizeMailboxName(request.to, context.limits);
  if (from === INBOX) return emptyInboxInto(context, account, to);
  return changeDirectory(context, account, (draft) => {
    const moved = new Set([existing(account, from), ...inferiorsOf(account, from)]);
    if (to.startsWith(from + SEPARATOR)) throw new Refusal("mailboxNameInvalid", "a mailbox cannot go below itself");
    if (account.named(to) !== undefined) throw new Refusal("mailboxExists", "a mailbox of that name exists");
    const names = new Names(context, account, draft);
    names.createSuperiors(to);
    for (const mailbox of moved) {
      const oldName = mailbox.properties.name;
      const name = normalizeMailboxName(to + oldName.slice(from.length), context.limits);
      const other = account.named(name);
      if (other !== undefined && !moved.has(other)) throw new Refusal("mailboxExists", "a mailbox of that name exists");
      draft
        .state(mailbox.at.mailbox, mailbox.head.guard, { type: "renamed", oldName, name })
        .properties(mailbox.at.mailbox, mailbox.head.guard, encodeProperties({ ...mailbox.properties, name }));
    }
    names.save();
    return true;
  });
}

export async function setSubscribed(
  context: StoreContext,
  account: AccountState,
  request: { readonly name: string; readonly subscribed: boolean },
): Promise<Cursor> {
  const name = normalizeMailboxName(request.name, context.limits);
  return changeDirectory(context, account, (draft) => {
    if (account.isSubscribed(name) === request.subscribed) return false;
    const others = account.directory.subscriptions.filter((other) => other !== name);
    const subscriptions = request.subscribed ? [...others, name] : others;
    const directory = encodeProperties({ ...account.directory, subscriptions });
    const { subscriptionsMax, subscriptionsBytesMax } = context.limits;
    const isMore = subscriptions.length > account.directory.subscriptions.length;
    if (isMore && (subscriptions.length > subscriptionsMax || directory.length > subscriptionsBytesMax)) {
      throw new Refusal("tooManyMailboxes", "too many subscriptions");
    }
    draft
      .state(ACCOUNT_DIRECTORY, account.directoryGuard, {
        type: request.subscribed ? "subscribed" : "unsubscribed",
        name,
      })
      .properties(ACCOUNT_DIRECTORY, account.directoryGuard, directory);
    return true;
  });
}

/** RFC 9051 6.3.6: renaming INBOX moves its messages into a new mailbox and leaves it empty. */
async function emptyInboxInto(context: StoreContext, account: AccountState, to: string): Promise<Cursor> {
  const inbox = existing(account, INBOX);
  return inTurn(context, inbox, (contents) =>
    changeDirectory(context, account, async (draft) => {
      if (account.named(to) !== undefined) throw new Refusal("mailboxExists", "a mailbox of that name exists");
      const names = new Names(context, account, draft);
      const target = names.createWithSuperiors(to, null);
      names.save();
      // RFC 5464 4.1
      const entries = new EntriesDraft(account, draft);
      entries.copyAll(inbox.at.mailbox, target);
      entries.checkBytes(context.limits);
      const { guard } = inbox.head;
      const uids = [[1, inbox.head.uidNext]] as const;
      const request = { to: { mailbox: target }, mode: "move" } as const;
      const rows = await takeRows({ context, source: inbox, contents }, { uids }, (taken) =>
        appendCopies(context, draft, request, taken),
      );
      if (rows.uids.length > 0) expungeRows(draft, inbox, rows, { by: "move", guard });
      return true;
    }),
  );
}

function existing(account: AccountState, name: string): MailboxState {
  const mailbox = account.named(name);
  if (mailbox === undefined) throw new Refusal("mailboxNotFound", "no such mailbox");
  return mailbox;
}

function inferiorsOf(account: AccountState, name: string): MailboxState[] {
  return [...account.mailboxes.values()].filter((mailbox) => mailbox.properties.name.startsWith(name + SEPARATOR));
}

/** New mailboxes of one transaction: each with an id and a UIDVALIDITY that were never used. */
class Names {
  readonly #context: StoreContext;
  readonly #account: AccountState;
  readonly #draft: TransactionDraft;
  readonly #created = new Set<string>();
  #next: number;
  #validity: number;

  constructor(context: StoreContext, account: AccountState, draft: TransactionDraft) {
    this.#context = context;
    this.#account = account;
    this.#draft = draft;
    this.#next = account.directory.mailboxNext;
    this.#validity = account.directory.uidValidityLast;
  }

  create(name: string, specialUse: SpecialUse | null): ReturnType<typeof mailboxId> {
    if (this.#account.mailboxes.size + this.#created.size >= this.#context.limits.mailboxesMax) {
      throw new Refusal("tooManyMailboxes", "too many mailboxes");
    }
    const id = mailboxId(this.#next++);
    this.#validity = nextUidValidity(this.#validity, this.#context.now());
    this.#created.add(name);
    const rights = this.#rightsAbove(name);
    const { restored } = this.#account.directory;
    const properties = { name, uidValidity: this.#validity, specialUse, ...(rights && { rights }), restored };
    this.#draft.state(id, undefined, { type: "created", name }).properties(id, undefined, encodeProperties(properties));
    return id;
  }

  /** RFC 4314 4: a new mailbox has the rights of the one above it. */
  #rightsAbove(name: string): readonly RightsEntry[] | undefined {
    for (const above of superiorsOf(name)) {
      const superior = this.#account.named(above);
      if (superior !== undefined) return superior.properties.rights;
    }
    return undefined;
  }

  /** RFC 9051 6.3.4: superior names that are missing are created too. */
  createWithSuperiors(name: string, specialUse: SpecialUse | null): ReturnType<typeof mailboxId> {
    this.createSuperiors(name);
    return this.create(name, specialUse);
  }

  createSuperiors(name: string): void {
    const levels = name.split(SEPARATOR);
    for (let depth = 1; depth < levels.length; depth++) {
      const superior = levels.slice(0, depth).join(SEPARATOR);
      if (this.#account.named(superior) === undefined && !this.#created.has(superior)) this.create(superior, null);
    }
  }

  /** Writes down which ids and validities were given out. */
  save(subscriptions: readonly string[] = this.#account.directory.subscriptions): void {
    const { directory, directoryGuard } = this.#account;
    const properties = { ...directory, mailboxNext: this.#next, uidValidityLast: this.#validity, subscriptions };
    this.#draft.properties(ACCOUNT_DIRECTORY, directoryGuard, encodeProperties(properties));
  }
}
