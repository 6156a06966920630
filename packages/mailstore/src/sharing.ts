// Mailboxes shared between accounts. Their rights are properties of the mailbox, changed in its account's log; which
// accounts share with whom is noted in the driver's directory: `shared/IDENTIFIER/OWNER`. A note may outlive what it
// speaks of, and is there before it.
import type { AccountState } from "./account-state.ts";
import type { Accounts } from "./accounts.ts";
import type { DirectoryEntry } from "./driver.ts";
import { accountId, type AccountId, type Cursor } from "./ids.ts";
import { changeDirectory } from "./change-directory.ts";
import { ANYONE, changedRights, type RightsChange, type RightsEntry } from "./mailbox-rights.ts";
import { encodeProperties } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import type { AccountInfo, MailboxAt } from "./store.ts";
import type { StoreContext } from "./store-context.ts";

type Noted = readonly [named: readonly AccountId[], ofAnyone: readonly AccountId[]];

/** Who shares mailboxes with an account, as it was read last. */
export class NotedSharers {
  readonly byAccount: Map<AccountId, Promise<Noted>> = new Map();
  version = 0;

  forget(): void {
    this.version++;
    this.byAccount.clear();
  }
}

export async function setRights(
  context: StoreContext,
  accounts: Accounts,
  at: MailboxAt,
  request: RightsChange,
): Promise<Cursor> {
  const { identifier, other } = await resolveIdentifier(accounts, at.account, request.identifier);
  // Last: before it is held, it may be let go while others are read.
  const account = await accounts.load(at.account);
  const change = { ...request, identifier };
  const cursor = await changeDirectory(context, account, async (draft) => {
    const { properties, head } = account.mailbox(at.mailbox);
    const before = properties.rights ?? [];
    const rights = changedRights(before, change);
    if (rights === before) return false;
    if (rights.length > Math.max(before.length, context.limits.rightsEntriesMax)) {
      throw new Refusal("tooManyRights", "too many rights of others");
    }
    // Before the commit: who looks for what is shared may find a note too many, never miss one.
    await putNotes(context, [noteOf(identifier, account.id)]);
    draft
      .state(at.mailbox, head.guard, { type: "rights", identifier: change.identifier })
      .properties(at.mailbox, head.guard, encodeProperties({ ...properties, rights }));
    return true;
  });
  await dropNotes(context, account, [change]);
  // Nothing has changed in it, but it may see more than before.
  if (other !== undefined) context.accounts.wake(other.id);
  return cursor;
}

/** Removes the notes of identifiers to which nothing of the account is open any more. */
export async function dropNotes(
  context: StoreContext,
  account: AccountState,
  entries: readonly Pick<RightsEntry, "identifier">[],
): Promise<void> {
  if (entries.length === 0) return;
  // In the turn in which notes are made: none goes that has just been needed again.
  await account.directoryTurns.run(async () => {
    const mailboxes = [...account.mailboxes.values()];
    const known = new Set(
      mailboxes.flatMap(({ properties }) => (properties.rights ?? []).map(({ identifier }) => identifier)),
    );
    const gone = entries.filter(({ identifier }) => !known.has(identifier));
    await putNotes(
      context,
      gone.map(({ identifier }) => ({ key: noteKey(identifier, account.id), value: null })),
    );
  });
}

/** The accounts that share mailboxes with this one, or once did: first those that name it, each group by addresses. */
export async function sharersWith(
  context: StoreContext,
  accounts: Accounts,
  account: AccountInfo,
): Promise<readonly AccountInfo[]> {
  const { byAccount } = context.sharers;
  let noted = byAccount.get(account.id);
  if (noted === undefined) {
    if (byAccount.size >= context.limits.idleAccountsMax) byAccount.clear();
    byAccount.set(account.id, (noted = readNotes(context, account)));
    noted.catch(() => byAccount.delete(account.id));
  }
  const [named, ofAnyone] = await noted;
  return [...(await infosOf(accounts, named)), ...(await infosOf(accounts, ofAnyone))];
}

async function readNotes({ driver }: StoreContext, { id, address }: AccountInfo): Promise<Noted> {
  const seen = new Set([id]);
  const read = async (identifier: string): Promise<readonly AccountId[]> => {
    const prefix = notePrefix(identifier);
    const owners: AccountId[] = [];
    for await (const [key] of driver.directory.list(prefix)) {
      const owner = key.slice(prefix.length);
      // Else it is a note of an address that begins with the identifier and a slash.
      if (!owner.includes("/")) owners.push(accountId(Number(owner)));
    }
    const fresh = owners.filter((owner) => !seen.has(owner));
    for (const owner of fresh) seen.add(owner);
    return fresh;
  };
  return [await read(address), await read(ANYONE)];
}

async function infosOf(accounts: Accounts, ids: readonly AccountId[]): Promise<readonly AccountInfo[]> {
  const found = await Promise.all(ids.map((id) => accounts.get(id)));
  return found.filter((account) => account !== undefined).sort((one, other) => (one.address < other.address ? -1 : 1));
}

/** Writes notes; what was read of them is read anew. */
async function putNotes({ driver, sharers }: StoreContext, entries: readonly DirectoryEntry[]): Promise<void> {
  await driver.directory.put(entries);
  sharers.forget();
}

/**
 * An identifier as it is kept, and the account that it names. Who has an address as an alias is not told, so that an
 * account is named by its own address alone.
 */
async function resolveIdentifier(
  accounts: Accounts,
  owner: AccountId,
  identifier: string,
): Promise<{ readonly identifier: string; readonly other?: AccountInfo }> {
  const [sign, name] = identifier.startsWith("-") ? ["-", identifier.slice(1)] : ["", identifier];
  if (name === ANYONE) return { identifier };
  const other = await accounts.findOwn(name);
  if (other === undefined) throw new Refusal("accountNotFound", "no such account");
  if (other.id === owner) throw new Refusal("mailboxProtected", "the owner of a mailbox has all rights");
  return { identifier: sign + other.address, other };
}

function notePrefix(identifier: string): string {
  return `shared/${identifier}/`;
}

/** The entry that says that an account shares with an identifier. */
export function noteOf(identifier: string, owner: AccountId): DirectoryEntry {
  return { key: noteKey(identifier, owner), value: new Uint8Array(0) };
}

function noteKey(identifier: string, owner: AccountId): string {
  return `${notePrefix(identifier)}${String(owner).padStart(10, "0")}`;
}
