// What a client wants to be told of without asking (RFC 5465 6): events, by mailbox.
import type { EventGroup, FetchItem, MailboxSpecifier, NotifyEvent } from "@pushmail/imap-wire";
import { superiorsOf, type AccountInfo } from "@pushmail/mailstore";
import { isOfOthers, nameAsTold, OTHER_USERS } from "../access.ts";
import type { Session } from "../command.ts";

/** A name that something happens to, whether or not there is such a mailbox. */
export interface NamedMailbox {
  readonly name: string;
  readonly subscribed: boolean;
}

/** What is told of the selected mailbox. */
export interface SelectedWants {
  /** Whether EXPUNGE waits for a command that allows it. */
  readonly delayed: boolean;
  readonly flags: boolean;
  /** What is told of new messages that others have made. */
  readonly fetch: readonly FetchItem[];
}

/** What every client is told that has not said what it wants. */
export const ALL_OF_SELECTED: SelectedWants = { delayed: true, flags: true, fetch: [] };

/** Those that mean mailboxes of the client's own, or the selected one. */
const OWN_SPECIFIERS: readonly MailboxSpecifier["type"][] = ["selected", "selected-delayed", "inboxes", "personal"];
const NO_EVENTS: ReadonlySet<string> = new Set();

interface Filter {
  readonly matches: (mailbox: NamedMailbox) => boolean;
  readonly events: ReadonlySet<string>;
}

/** The groups of one NOTIFY SET; without groups, NOTIFY NONE. */
export class Subscription {
  /** Undefined where the selected mailbox is to stay as it was told. */
  readonly selected: SelectedWants | undefined;
  /** Whether mailboxes of others may be among those that are named. */
  readonly namesOthers: boolean;
  readonly #filters: readonly Filter[];

  constructor(groups: readonly EventGroup[], selected: SelectedWants | undefined = selectedOf(groups)) {
    this.selected = selected;
    this.namesOthers = groups.some(({ mailboxes }) => !OWN_SPECIFIERS.includes(mailboxes.type));
    this.#filters = groups
      .filter(({ mailboxes }) => !isSelected(mailboxes))
      .map(({ mailboxes, events }) => ({ matches: matcherOf(mailboxes), events: new Set(events) }));
  }

  /** Whether anything at all is wanted. */
  get isActive(): boolean {
    return this.selected !== undefined || this.#filters.some(({ events }) => events.size > 0);
  }

  /** The events that are wanted of a mailbox, the selected one's messages aside. */
  eventsOf(mailbox: NamedMailbox): ReadonlySet<string> {
    const matching = this.#filters.filter(({ matches }) => matches(mailbox));
    // RFC 5465 8: who says NONE wants nothing of these mailboxes, whatever it says of more.
    if (matching.length === 0 || matching.some(({ events }) => events.size === 0)) return NO_EVENTS;
    return new Set(matching.flatMap(({ events }) => [...events]));
  }

  /** Whether it is wanted what happens to the server's metadata, of whatever mailboxes it was said (RFC 5465 5.7). */
  get wantsServerMetadata(): boolean {
    return this.#filters.some(({ events }) => events.has("ServerMetadataChange"));
  }

  wants(event: NotifyEvent, mailbox: NamedMailbox): boolean {
    return this.eventsOf(mailbox).has(event);
  }
}

/** What a client is told that enables METADATA and does not say NOTIFY (RFC 5464 4.4). */
export const METADATA_ALONE: Subscription = new Subscription(
  [
    { mailboxes: { type: "personal" }, events: ["MailboxMetadataChange", "ServerMetadataChange"], fetch: [] },
    { mailboxes: { type: "subtree", names: [OTHER_USERS] }, events: ["MailboxMetadataChange"], fetch: [] },
  ],
  ALL_OF_SELECTED,
);

export function isSelected({ type }: MailboxSpecifier): boolean {
  return type === "selected" || type === "selected-delayed";
}

function selectedOf(groups: readonly EventGroup[]): SelectedWants | undefined {
  const selected = groups.find(({ mailboxes }) => isSelected(mailboxes));
  return selected?.events.includes("MessageNew") === true ? wantsOf(selected) : undefined;
}

function wantsOf({ mailboxes, events, fetch }: EventGroup): SelectedWants {
  return { delayed: mailboxes.type === "selected-delayed", flags: events.includes("FlagChange"), fetch };
}

/** The same mailboxes by their names as the client is told them. */
export async function asTold(
  session: Session,
  client: AccountInfo,
  specifier: MailboxSpecifier,
): Promise<MailboxSpecifier> {
  if (!("names" in specifier)) return specifier;
  const names: string[] = [];
  for (const name of specifier.names) names.push(await nameAsTold(session, client, name));
  return { ...specifier, names };
}

/** Whether a mailbox is one of those that are named, the selected one aside. */
export function matcherOf(specifier: MailboxSpecifier): (mailbox: NamedMailbox) => boolean {
  switch (specifier.type) {
    case "selected":
    case "selected-delayed":
      return () => false;
    case "personal":
      return ({ name }) => !isOfOthers(name);
    // RFC 5465 6.3: mail is delivered to INBOX alone.
    case "inboxes":
      return ({ name }) => name === "INBOX";
    case "subscribed":
      return ({ subscribed }) => subscribed;
    case "mailboxes": {
      const names = new Set(specifier.names);
      return ({ name }) => names.has(name);
    }
    case "subtree": {
      const names = new Set(specifier.names);
      return ({ name }) => names.has(name) || [...superiorsOf(name)].some((superior) => names.has(superior));
    }
    case "subtree-one": {
      const names = new Set(specifier.names);
      return ({ name }) => names.has(name) || names.has([...superiorsOf(name)][0] ?? "");
    }
  }
}
