// Telling what happened outside of the selected mailbox: LIST for names, STATUS for messages (RFC 5465 5).
import { printList, printMetadataChanged, type StatusItem } from "@pushmail/imap-wire";
import type { AccountInfo, MailboxId, MailboxStatus } from "@pushmail/mailstore";
import type { Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { tellFigures } from "../mailbox-figures.ts";
import { listMailboxes, sortByTree, type ListedMailbox } from "../mailbox-tree.ts";
import { News, type MessageNews } from "./gather-news.ts";
import type { Subscription } from "./subscription.ts";

/** Whom it is told. */
export interface Audience {
  readonly account: AccountInfo;
  readonly subscription: Subscription;
  /** What happens to its messages is told otherwise. */
  readonly selected: MailboxId | undefined;
}

export async function tellNews(session: Session, audience: Audience, news: News): Promise<void> {
  if (news.names.size > 0 || news.subscriptions.size > 0) await tellNames(session, audience, news);
  if (news.metadata.size > 0) await tellMetadata(session, audience, news);
  const slice = new TimeSlice(session);
  for (const messages of news.messages.values()) {
    await slice.rest();
    if (messages.mailbox !== audience.selected) await tellMessages(session, audience, messages);
  }
}

/** Tells of all entries of metadata that there are, where it is not known which of them have changed. */
export async function tellAllMetadata(session: Session, audience: Audience): Promise<void> {
  const { store } = session;
  const { id } = audience.account;
  const news = new News();
  for (const mailbox of [null, ...(await store.mailboxes(id)).map((status) => status.id)]) {
    for (const { name } of await store.metadata(id, mailbox)) news.addEntry(mailbox, name);
  }
  await tellMetadata(session, audience, news);
}

/** RFC 5464 4.4.2: the names of entries, whose values the client gets where it wants them. */
async function tellMetadata(session: Session, { account, subscription }: Audience, news: News): Promise<void> {
  for (const [mailbox, entries] of news.metadata) {
    const status = mailbox === null ? undefined : await session.store.mailboxAt({ account: account.id, mailbox });
    const isWanted =
      mailbox === null
        ? subscription.wantsServerMetadata
        : status !== undefined && subscription.wants("MailboxMetadataChange", status);
    if (isWanted) await session.write(printMetadataChanged(status?.name ?? "", [...entries], session.names));
  }
}

/** Tells how each mailbox is of whose messages the client will be told (RFC 5465 3.1). */
export async function tellStatuses(session: Session, { account, subscription, selected }: Audience): Promise<void> {
  const mailboxes = await session.store.mailboxes(account.id);
  const byName = new Map(mailboxes.map((status) => [status.name, status]));
  const slice = new TimeSlice(session);
  for (const name of sortByTree(byName.keys())) {
    await slice.rest();
    const status = byName.get(name) as MailboxStatus;
    const events = subscription.eventsOf(status);
    if (status.id === selected || !events.has("MessageNew")) continue;
    const items: StatusItem[] = ["MESSAGES", "UIDNEXT", "UIDVALIDITY"];
    if (events.has("FlagChange") || events.has("AnnotationChange")) items.push("UNSEEN", "HIGHESTMODSEQ");
    await tellFigures(session, { account: account.id, status }, items);
  }
}

async function tellNames(session: Session, { account, subscription }: Audience, news: News): Promise<void> {
  const subscribed = new Set(await session.store.subscriptions(account.id));
  const wants = (event: "MailboxName" | "SubscriptionChange", name: string): boolean =>
    subscription.wants(event, { name, subscribed: event === "SubscriptionChange" || subscribed.has(name) });
  const names = [...news.names].filter((pair) => pair.some((name) => name !== undefined && wants("MailboxName", name)));
  const subscriptions = [...news.subscriptions].filter((name) => wants("SubscriptionChange", name));
  if (names.length === 0 && subscriptions.length === 0) return;
  const tree = new Map(listMailboxes(await session.store.mailboxes(account.id)).map((one) => [one.name, one]));
  for (const [name, oldName] of names) {
    const attributes = attributesOf(tree, name);
    const renamed = oldName === undefined ? {} : { oldName };
    await session.write(printList("LIST", { name, attributes, ...renamed, ...session.names }));
  }
  for (const name of subscriptions) {
    const attributes = [...attributesOf(tree, name), ...(subscribed.has(name) ? ["\\Subscribed"] : [])];
    await session.write(printList("LIST", { name, attributes, ...session.names }));
  }
}

function attributesOf(tree: ReadonlyMap<string, ListedMailbox>, name: string): readonly string[] {
  return tree.get(name)?.attributes ?? ["\\NonExistent"];
}

async function tellMessages(
  session: Session,
  { account, subscription }: Audience,
  { mailbox, counts, flags, isNew }: MessageNews,
): Promise<void> {
  const status = await session.store.mailboxAt({ account: account.id, mailbox });
  if (status === undefined) return;
  const events = subscription.eventsOf(status);
  const wantsFlags = events.has("FlagChange");
  const items: StatusItem[] = [];
  if (counts && events.has("MessageNew")) items.push("MESSAGES", "UIDNEXT");
  // RFC 5465 5.1: a mailbox that is another than before has another UIDVALIDITY.
  if ((flags || isNew) && wantsFlags) items.push("UIDVALIDITY");
  if (items.length === 0) return;
  if (wantsFlags) items.push("UNSEEN");
  if (session.isEnabled("CONDSTORE")) items.push("HIGHESTMODSEQ");
  await tellFigures(session, { account: account.id, status }, items);
}
