// Telling what happened outside of the selected mailbox: LIST for names, STATUS for messages (RFC 5465 5).
import { printList, printMetadataChanged, type StatusItem } from "@pushmail/imap-wire";
import { superiorsOf, type AccountInfo, type MailboxId } from "@pushmail/mailstore";
import { isOfOthers, isTheSelected, listReachable, listReachableOf, reachById, type Reached } from "../access.ts";
import type { Authenticated, Selected, Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { tellFigures } from "../mailbox-figures.ts";
import { attributesOf, listMailboxes, sortByTree, type ListedMailbox } from "../mailbox-tree.ts";
import { isShared } from "../metadata.ts";
import { News, type MessageNews } from "./gather-news.ts";
import type { Subscription } from "./subscription.ts";

/** Whom it is told, and whose mailboxes it is about. */
export interface Audience {
  readonly state: Authenticated | Selected;
  readonly subscription: Subscription;
  readonly owner: AccountInfo;
  /** Of mailboxes of another, those that the client knows, by the names that it knows; empty for its own. */
  readonly known: Map<MailboxId, string>;
}

export async function tellNews(session: Session, audience: Audience, news: News): Promise<void> {
  const isOwn = audience.owner.id === audience.state.account.id;
  if (!isOwn && news.isOfAccess) await tellNamesOfOther(session, audience);
  if (isOwn && (news.names.size > 0 || news.subscriptions.size > 0)) await tellNames(session, audience, news);
  if (news.metadata.size > 0) await tellMetadata(session, audience, news);
  const slice = new TimeSlice(session);
  for (const messages of news.messages.values()) {
    await slice.rest();
    await tellMessages(session, audience, messages);
  }
}

/** Tells of all entries of metadata that there are, where it is not known which of them have changed. */
export async function tellAllMetadata(session: Session, audience: Audience): Promise<void> {
  const { store } = session;
  const { id } = audience.owner;
  const news = new News();
  for (const mailbox of [null, ...(await store.mailboxes(id)).map((status) => status.id)]) {
    for (const { name } of await store.metadata(id, mailbox)) news.addEntry(mailbox, name);
  }
  await tellMetadata(session, audience, news);
}

/** RFC 5464 4.4.2: the names of entries, whose values the client gets where it wants them. */
async function tellMetadata(session: Session, audience: Audience, news: News): Promise<void> {
  const { state, owner, subscription } = audience;
  const isOwn = owner.id === state.account.id;
  for (const [mailbox, changed] of news.metadata) {
    const entries = isOwn ? [...changed] : [...changed].filter(isShared);
    if (entries.length === 0) continue;
    if (mailbox === null) {
      if (isOwn && subscription.wantsServerMetadata) await tellEntries(session, "", entries);
      continue;
    }
    const reached = await reachById(session, state.account, { owner, mailbox });
    if (reached === undefined || !subscription.wants("MailboxMetadataChange", reached.status)) continue;
    await tellEntries(session, reached.status.name, entries);
  }
}

async function tellEntries(session: Session, name: string, entries: readonly string[]): Promise<void> {
  await session.write(printMetadataChanged(name, entries, session.names));
}

/** Tells how each mailbox is of whose messages the client will be told (RFC 5465 3.1). */
export async function tellStatuses(
  session: Session,
  state: Authenticated | Selected,
  subscription: Subscription,
): Promise<void> {
  const byName = new Map((await listReachable(session, state.account)).map((one) => [one.status.name, one]));
  const slice = new TimeSlice(session);
  for (const name of sortByTree(byName.keys())) {
    await slice.rest();
    const reached = byName.get(name);
    const events = subscription.eventsOf(reached?.status ?? { name, subscribed: false });
    // What happens to the messages of the selected one is told otherwise.
    const isWanted = reached?.rights.includes("r") === true && events.has("MessageNew");
    if (reached === undefined || !isWanted || isSelectedOne(state, reached.owner, reached.status.id)) continue;
    const items: StatusItem[] = ["MESSAGES", "UIDNEXT", "UIDVALIDITY"];
    if (events.has("FlagChange") || events.has("AnnotationChange")) items.push("UNSEEN", "HIGHESTMODSEQ");
    await tellFigures(session, reached, items);
  }
}

async function tellNames(session: Session, { state, subscription }: Audience, news: News): Promise<void> {
  const subscribed = new Set(await session.store.subscriptions(state.account.id));
  const wants = (event: "MailboxName" | "SubscriptionChange", name: string): boolean =>
    subscription.wants(event, { name, subscribed: event === "SubscriptionChange" || subscribed.has(name) });
  const isWanted = (pair: NewName): boolean => pair.some((name) => name !== undefined && wants("MailboxName", name));
  const names: NewName[] = [...news.names].filter(isWanted);
  names.push(...notToldAbove(names, [...news.namesBelow].filter(isWanted)));
  const subscriptions = [...news.subscriptions].filter((name) => wants("SubscriptionChange", name));
  if (names.length === 0 && subscriptions.length === 0) return;
  const attributesNow = attributesFor(session, state.account);
  for (const [name, oldName] of names) {
    const attributes = await attributesNow(name);
    const renamed = oldName === undefined ? {} : { oldName };
    await session.write(printList("LIST", { name, attributes, ...renamed, ...session.names }));
  }
  for (const name of subscriptions) {
    const attributes = [...(await attributesNow(name)), ...(subscribed.has(name) ? ["\\Subscribed"] : [])];
    await session.write(printList("LIST", { name, attributes, ...session.names }));
  }
}

type NewName = readonly [name: string, oldName: string | undefined];

/** RFC 5465 5.4: of what is below a mailbox that is renamed nothing is told, but to who is not told of that one. */
function notToldAbove(told: readonly NewName[], below: readonly NewName[]): readonly NewName[] {
  const oldNames = new Map([...told, ...below]);
  return below.filter(([name, oldName]) =>
    [...superiorsOf(name)].every((above) => `${oldNames.get(above)}${name.slice(above.length)}` !== oldName),
  );
}

/** What LIST says of a name now; of the client's own without going through all that there are. */
function attributesFor(session: Session, client: AccountInfo): (name: string) => Promise<readonly string[]> {
  const { store } = session;
  let tree: Tree | undefined;
  return async (name) => {
    if (isOfOthers(name)) return attributesIn((tree ??= treeOf(await listReachable(session, client))), name);
    const [status, hasInferiors] = await Promise.all([
      store.mailbox(client.id, name),
      store.hasInferiors(client.id, name),
    ]);
    return status === undefined && !hasInferiors ? NONEXISTENT : attributesOf(status, { hasInferiors });
  };
}

/** Of the names of another those that are others than the client knows: nothing is told that it may not look up. */
export async function tellNamesOfOther(session: Session, audience: Audience): Promise<void> {
  const { state, subscription, owner, known } = audience;
  const reachable = await listReachableOf(session.store, state.account, owner);
  const tree = treeOf(reachable);
  const subscribed = new Set(await session.store.subscriptions(state.account.id));
  const wants = (name: string): boolean =>
    subscription.wants("MailboxName", { name, subscribed: subscribed.has(name) });
  const before = new Map(known);
  known.clear();
  for (const { status } of reachable) known.set(status.id, status.name);
  for (const [mailbox, name] of known) {
    const oldName = before.get(mailbox);
    before.delete(mailbox);
    if (oldName === name || (!wants(name) && (oldName === undefined || !wants(oldName)))) continue;
    const renamed = oldName === undefined ? {} : { oldName };
    await session.write(
      printList("LIST", { name, attributes: attributesIn(tree, name), ...renamed, ...session.names }),
    );
  }
  for (const name of before.values()) {
    if (!wants(name)) continue;
    await session.write(printList("LIST", { name, attributes: attributesIn(tree, name), ...session.names }));
  }
}

type Tree = ReadonlyMap<string, ListedMailbox>;
const NONEXISTENT: readonly string[] = ["\\NonExistent"];

function treeOf(reachable: readonly Reached[]): Tree {
  return new Map(listMailboxes(reachable.map(({ status }) => status)).map((one) => [one.name, one]));
}

function attributesIn(tree: Tree, name: string): readonly string[] {
  return tree.get(name)?.attributes ?? NONEXISTENT;
}

function isSelectedOne(state: Authenticated | Selected, owner: AccountInfo, mailbox: MailboxId): boolean {
  return state.name === "selected" && isTheSelected(state, { account: owner.id, mailbox });
}

async function tellMessages(
  session: Session,
  { state, subscription, owner }: Audience,
  { mailbox, counts, flags, isNew }: MessageNews,
): Promise<void> {
  if (isSelectedOne(state, owner, mailbox)) return;
  const reached = await reachById(session, state.account, { owner, mailbox });
  if (reached === undefined) return;
  const events = subscription.eventsOf(reached.status);
  const wantsCounts = events.has("MessageNew");
  const wantsFlags = events.has("FlagChange");
  const items: StatusItem[] = [];
  if ((counts || isNew) && wantsCounts) items.push("MESSAGES", "UIDNEXT");
  // RFC 5465 5.1: a mailbox that is another than before has another UIDVALIDITY.
  if ((flags && wantsFlags) || (isNew && (wantsCounts || wantsFlags))) items.push("UIDVALIDITY");
  if (items.length === 0) return;
  if (wantsFlags) items.push("UNSEEN");
  if (session.isEnabled("CONDSTORE")) items.push("HIGHESTMODSEQ");
  await tellFigures(session, reached, items);
}
