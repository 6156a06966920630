// Who may do what with which mailbox (RFC 4314 4): the one place that decides it. A client's own mailboxes have their
// own names and allow it all; those of others are below `Other Users/`, and allow what their rights say.
import {
  ALL_RIGHTS,
  FLAG_KINDS,
  kindOfFlag,
  Refusal,
  rightsFor,
  superiorsOf,
  type AccountInfo,
  type ByRights,
  type FlagKind,
  type MailboxAt,
  type MailboxId,
  type MailboxStatus,
  type MailStore,
} from "@pushmail/mailstore";
import type { Completion, Selected, Session } from "./command.ts";
import { Bye, no } from "./replies.ts";
import { isMailboxNotFound, unlessGone } from "./unless-gone.ts";

export const OTHER_USERS = "Other Users";

/** An address has one `@`, and no `/` behind it. */
const NAME_OF_OTHER = /^Other Users\/([^@]*@[^/]*)\/([^]+)$/;
/** Who has one of these knows that the mailbox is there (RFC 4314 3.5). */
const KNOWING = "lrikxa";
/** Without any of them a mailbox is open for reading only: `\Seen` is shared like all flags (RFC 4314 5.2). */
const WRITING = "ieswt";
/** Beside `l`, without one of these there is no metadata (RFC 5464 3.3). */
const ANNOTATING = "rswip";
const NONE: ReadonlySet<string> = new Set();
const RIGHT_OF_FLAG: Readonly<Record<FlagKind, string>> = { seen: "s", deleted: "t", others: "w" };

/** A mailbox, or a name for one, among those of an account: the client's or another. */
export interface Place {
  readonly owner: AccountInfo;
  /** What its owner calls it. */
  readonly ownName: string;
  /** What stands before that where it is called by others; empty for the client's own. */
  readonly prefix: string;
}

/** A mailbox with what the client may do with it. */
export interface Reached extends Place {
  /** Under the client's name for it, and as the client has subscribed to it. */
  readonly status: MailboxStatus;
  readonly rights: string;
}

/** Whether a name is in the namespace of the mailboxes of others. */
export function isOfOthers(name: string): boolean {
  return name === OTHER_USERS || name.startsWith(`${OTHER_USERS}/`);
}

/** The mailbox of a name, where it allows what a right stands for. Else it is refused, by what the client may know. */
export async function reachMailbox(
  { store }: Session,
  client: AccountInfo,
  { name, right }: { readonly name: string; readonly right: string },
): Promise<Reached> {
  const found = await find(store, client, name);
  if (found === undefined || !found.rights.includes(right)) throw refusalOf(found?.rights ?? "");
  return found;
}

/** Puts messages into a mailbox. Where there is none, or it goes meanwhile, the client may create it (RFC 9051 6.4.7). */
export async function intoTarget(
  session: Session,
  { client, name }: { readonly client: AccountInfo; readonly name: string },
  put: (target: Reached) => Promise<Completion>,
): Promise<Completion> {
  const reach = (): Promise<Reached> => reachMailbox(session, client, { name, right: "i" });
  const isGone = async (): Promise<boolean> => (await unlessGone(reach())) === undefined;
  try {
    return await put(await reach());
  } catch (error) {
    // It may be the one that they are from.
    if (!isMailboxNotFound(error) || !(await isGone())) throw error;
    return no("TRYCREATE", "No such mailbox");
  }
}

/** What the rights of a mailbox that was reached before let in at the end: much may have happened until then. */
export function byRightsTo({ owner }: Reached, client: AccountInfo): ByRights | undefined {
  if (owner.id === client.id) return undefined;
  return (entries) => {
    const rights = rightsFor(entries, client.address);
    if (!rights.includes("i")) throw refusalOf(rights);
    return flagsBarred(rights);
  };
}

/** The mailbox of a name with the client's rights, for one who has any that says that it is there. */
export async function reachKnown({ store }: Session, client: AccountInfo, name: string): Promise<Reached> {
  const found = await find(store, client, name);
  if (found === undefined || !hasAny(found.rights, KNOWING)) throw refusalOf("");
  return found;
}

/** The mailbox of a name whose metadata the client may read and set. */
export async function reachAnnotated({ store }: Session, client: AccountInfo, name: string): Promise<Reached> {
  const found = await find(store, client, name);
  if (found === undefined || !mayAnnotate(found)) throw refusalOf(found?.rights ?? "");
  return found;
}

/** RFC 5464 3.3 */
export function mayAnnotate({ rights }: Reached): boolean {
  return rights.includes("l") && hasAny(rights, ANNOTATING);
}

/** Where a mailbox is that is to be deleted or renamed; the store refuses a name of the client's own that is none. */
export async function reachPlace(session: Session, client: AccountInfo, name: string): Promise<Place> {
  if (!isOfOthers(name)) return { owner: client, ownName: name, prefix: "" };
  return reachMailbox(session, client, { name, right: "x" });
}

/** Where a mailbox of a new name goes: among those of others, below one in which the client may create them. */
export async function placeFor({ store }: Session, client: AccountInfo, name: string): Promise<Place> {
  if (!isOfOthers(name)) return { owner: client, ownName: name, prefix: "" };
  const place = await placeOf(store, client, name);
  for (const superior of place === undefined ? [] : superiorsOf(place.ownName)) {
    const status = await lookUp(store, { ...(place as Place), ownName: superior });
    if (status === undefined) continue;
    if (rightsFor(status.rights, client.address).includes("k")) return place as Place;
    break;
  }
  // The same for whatever is there: RFC 4314 6.
  throw new Refusal("notPermitted", "You may not create that mailbox");
}

/** All that the client may know of: its own mailboxes, and those of others that it may look up. */
export async function listReachable({ store, limits }: Session, client: AccountInfo): Promise<readonly Reached[]> {
  const own = await listReachableOf(store, client, client);
  const ofOthers: Reached[] = [];
  for (const owner of await store.sharersWith(client)) {
    ofOthers.push(...(await listReachableOf(store, client, owner)));
    // Nobody can fill the list of another beyond what a client copes with.
    if (ofOthers.length >= limits.sharedMailboxesMax) break;
  }
  return [...own, ...ofOthers.slice(0, limits.sharedMailboxesMax)];
}

/** Those of one owner. */
export async function listReachableOf(
  store: MailStore,
  client: AccountInfo,
  owner: AccountInfo,
): Promise<readonly Reached[]> {
  const own = owner.id === client.id;
  // Of thousands one alone may be shared: the others are left before anything is made of them.
  const all = (await store.mailboxes(owner.id)).filter(
    ({ rights }) => own || rightsFor(rights, client.address).includes("l"),
  );
  const subscriptions = all.length === 0 ? NONE : await subscriptionsTo(store, client, owner);
  return all.map((status) => reachedOf(client, owner, { status, subscriptions }));
}

/** One of them, to be told of what is in it; undefined where it is gone, or not for the client. */
export async function reachById(
  { store }: Session,
  client: AccountInfo,
  { owner, mailbox }: { readonly owner: AccountInfo; readonly mailbox: MailboxId },
): Promise<Reached | undefined> {
  const status = await store.mailboxAt({ account: owner.id, mailbox });
  if (status === undefined) return undefined;
  const subscriptions = await subscriptionsTo(store, client, owner);
  const reached = reachedOf(client, owner, { status, subscriptions });
  return reached.rights.includes("l") && reached.rights.includes("r") ? reached : undefined;
}

/** What the client may do with the selected mailbox now: it may have changed since. */
export function rightsIn({ account, handle, readOnly }: Selected): string {
  const all = handle.account === account.id ? ALL_RIGHTS : rightsFor(handle.status?.rights ?? [], account.address);
  return readOnly ? all.replace(/[^lr]/g, "") : all;
}

/** A STORE of flags: those that it may not set or clear stay as they are (RFC 4314 4). */
export function byRightsToFlags(state: Selected, asked: readonly string[]): ByRights | undefined {
  return byRightsIn(state, (rights) => {
    const keeps = flagsBarred(rights);
    // RFC 4314 4: it fails only where nothing of it is allowed.
    const isNothing = asked.length > 0 && flagsAllowed(rights, asked).length === 0;
    if (keeps.length === FLAG_KINDS.length || isNothing) throw refusalOf("l");
    return keeps;
  });
}

/** What takes each of these rights in the selected mailbox. */
export function byRightsOf(state: Selected, needed: string): ByRights | undefined {
  return byRightsIn(state, (rights) => {
    if (!needed.split("").every((right) => rights.includes(right))) throw refusalOf("l");
    return [];
  });
}

/** Refuses what the selected mailbox does not allow now; what it gives refuses it when it commits. */
function byRightsIn(state: Selected, decide: (rights: string) => readonly FlagKind[]): ByRights | undefined {
  if (state.readOnly) throw new Refusal("readOnly", "The mailbox is open for reading only");
  decide(rightsIn(state));
  const { account, handle } = state;
  return handle.account === account.id ? undefined : (entries) => decide(rightsFor(entries, account.address));
}

/** Ends a session whose mailbox is gone: RFC 9051 6.3.5 leaves it open what becomes of it. */
export function endIfGone(state: Selected): void {
  if (state.handle.status === undefined) throw new Bye("The mailbox was deleted");
  if (!mayRead(state)) throw new Bye("The mailbox is no longer shared");
}

/** Whether what is selected may still be read: of another, it may be so no longer. */
export function mayRead(state: Selected): boolean {
  return rightsIn(state).includes("r");
}

/** Whether a mailbox is the selected one. */
export function isTheSelected({ handle }: Selected, { account, mailbox }: Partial<MailboxAt>): boolean {
  return handle.account === account && handle.id === mailbox;
}

export function isReadOnly(rights: string): boolean {
  return !hasAny(rights, WRITING);
}

/** The flags that may be set and cleared with these rights. */
export function flagsAllowed(rights: string, flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => rights.includes(RIGHT_OF_FLAG[kindOfFlag(flag)]));
}

/** The flags that may not. */
function flagsBarred(rights: string): readonly FlagKind[] {
  return FLAG_KINDS.filter((kind) => !rights.includes(RIGHT_OF_FLAG[kind]));
}

/** RFC 4314 6: without `l`, what is there is answered for like what is not. */
function refusalOf(rights: string): Refusal {
  if (!rights.includes("l")) return new Refusal("mailboxNotFound", "No such mailbox");
  return new Refusal("notPermitted", "You may not do that with this mailbox");
}

function hasAny(rights: string, wanted: string): boolean {
  return wanted.split("").some((right) => rights.includes(right));
}

async function find(store: MailStore, client: AccountInfo, name: string): Promise<Reached | undefined> {
  if (!isOfOthers(name)) {
    const status = await store.mailbox(client.id, name);
    return status && reachedOf(client, client, { status, subscriptions: NONE });
  }
  const place = await placeOf(store, client, name);
  const status = place && (await lookUp(store, place));
  if (place === undefined || status === undefined) return undefined;
  const subscriptions = await subscriptionsTo(store, client, place.owner);
  return reachedOf(client, place.owner, { status, subscriptions });
}

/** What the client is told as the name of a mailbox, of which it may have given another form; of none that name. */
export async function nameAsTold({ store }: Session, client: AccountInfo, name: string): Promise<string> {
  const place = isOfOthers(name) ? await placeOf(store, client, name) : { owner: client, ownName: name, prefix: "" };
  const status = place && (await lookUp(store, place));
  return place === undefined || status === undefined ? name : place.prefix + status.name;
}

/** Whose mailbox a name in the namespace of others is, whether or not it is there. */
async function placeOf(store: MailStore, client: AccountInfo, name: string): Promise<Place | undefined> {
  const [, address = "", ownName = ""] = NAME_OF_OTHER.exec(name) ?? [];
  const owner = ownName === "" ? undefined : await store.findOwner(address);
  if (owner === undefined || owner.id === client.id) return undefined;
  return { owner, ownName, prefix: prefixOf(owner) };
}

/** Undefined too where it cannot be a name: that would say that there is such an account. */
async function lookUp(store: MailStore, { owner, ownName }: Place): Promise<MailboxStatus | undefined> {
  try {
    return await store.mailbox(owner.id, ownName);
  } catch (error) {
    if (error instanceof Refusal && error.code === "mailboxNameInvalid") return undefined;
    throw error;
  }
}

/** To what the client has subscribed of another's; of its own each status says that. */
async function subscriptionsTo(
  store: MailStore,
  client: AccountInfo,
  owner: AccountInfo,
): Promise<ReadonlySet<string>> {
  return owner.id === client.id ? NONE : new Set(await store.subscriptions(client.id));
}

function reachedOf(
  client: AccountInfo,
  owner: AccountInfo,
  { status, subscriptions }: { readonly status: MailboxStatus; readonly subscriptions: ReadonlySet<string> },
): Reached {
  const ownName = status.name;
  if (owner.id === client.id) return { owner, ownName, prefix: "", status, rights: ALL_RIGHTS };
  const prefix = prefixOf(owner);
  const name = prefix + ownName;
  // What it is used for, its owner has said for himself alone.
  const shown = { ...status, name, specialUse: null, subscribed: subscriptions.has(name) };
  return { owner, ownName, prefix, status: shown, rights: rightsFor(status.rights, client.address) };
}

function prefixOf({ address }: AccountInfo): string {
  return `${OTHER_USERS}/${address}/`;
}
