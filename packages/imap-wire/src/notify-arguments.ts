// What NOTIFY asks for: which events, of which mailboxes (RFC 5465 8).
import type { FetchItem } from "./fetch-item.ts";
import { parseFetchList, printFetchItem } from "./fetch-item.ts";
import { parseMailbox, printMailbox } from "./mailbox-name.ts";
import type { Scanner } from "./scanner.ts";

/** All that there are: those of messages, of mailboxes, and of the server. */
export const NOTIFY_EVENTS = [
  "MessageNew",
  "MessageExpunge",
  "FlagChange",
  "AnnotationChange",
  "MailboxName",
  "SubscriptionChange",
  "MailboxMetadataChange",
  "ServerMetadataChange",
] as const;

export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** Mailboxes as a client names them. */
export type MailboxSpecifier =
  | { readonly type: "selected" | "selected-delayed" | "inboxes" | "personal" | "subscribed" }
  | { readonly type: "subtree" | "subtree-one" | "mailboxes"; readonly names: readonly string[] };

export interface EventGroup {
  readonly mailboxes: MailboxSpecifier;
  /** Known ones as they are written in the RFC, others as they came; empty for NONE. */
  readonly events: readonly string[];
  /** What is told of a new message of the selected mailbox. */
  readonly fetch: readonly FetchItem[];
}

/** NOTIFY NONE has no groups. */
export interface NotifyArguments {
  readonly groups: readonly EventGroup[];
  /** Whether a STATUS of each mailbox is wanted first. */
  readonly status: boolean;
}

const LONE_SPECIFIERS = ["selected", "selected-delayed", "inboxes", "personal", "subscribed"] as const;

/** Everything behind NOTIFY. */
export function parseNotifyArguments(scan: Scanner): NotifyArguments {
  if (scan.skip("NONE")) return { groups: [], status: false };
  scan.expect("SET ");
  const status = scan.skip("STATUS ");
  const groups: EventGroup[] = [];
  do groups.push(parseEventGroup(scan));
  while (scan.skip(" "));
  return { groups, status };
}

function parseEventGroup(scan: Scanner): EventGroup {
  scan.expect("(");
  const mailboxes = parseMailboxSpecifier(scan);
  scan.space();
  const events: string[] = [];
  const fetch: FetchItem[] = [];
  if (!scan.skip("NONE")) {
    const start = scan.position;
    scan.list(() => {
      if (scan.peek !== "(") events.push(parseEvent(scan));
      else if (events.at(-1) === "MessageNew" && fetch.length === 0) fetch.push(...parseFetchList(scan));
      else throw scan.fault("Expected an event");
    });
    if (events.length === 0) throw scan.fault("Expected an event", start);
  }
  scan.expect(")");
  return { mailboxes, events, fetch };
}

/** RFC 5465 8 filter-mailboxes, with `subtree-one` of RFC 7377 3. */
export function parseMailboxSpecifier(scan: Scanner): MailboxSpecifier {
  const start = scan.position;
  const word = scan.word().toLowerCase();
  if (word === "subtree" || word === "subtree-one" || word === "mailboxes") {
    scan.space();
    const names = scan.peek === "(" ? scan.list(() => parseMailbox(scan)) : [parseMailbox(scan)];
    if (names.length === 0) throw scan.fault("Expected a mailbox name");
    return { type: word, names };
  }
  const type = LONE_SPECIFIERS.find((known) => known === word);
  if (type === undefined) throw scan.fault("Unknown mailbox specifier", start);
  return { type };
}

function parseEvent(scan: Scanner): string {
  const event = scan.atom();
  return NOTIFY_EVENTS.find((known) => known.toUpperCase() === event.toUpperCase()) ?? event;
}

/** The arguments as a client writes them. */
export function printNotifyArguments({ groups, status }: NotifyArguments): string {
  if (groups.length === 0) return "NONE";
  return `SET ${status ? "STATUS " : ""}${groups.map(printEventGroup).join(" ")}`;
}

function printEventGroup({ mailboxes, events, fetch }: EventGroup): string {
  const items = fetch.length === 0 ? "" : ` (${fetch.map(printFetchItem).join(" ")})`;
  const printed = events.map((event) => (event === "MessageNew" ? event + items : event));
  return `(${printMailboxSpecifier(mailboxes)} ${events.length === 0 ? "NONE" : `(${printed.join(" ")})`})`;
}

export function printMailboxSpecifier(specifier: MailboxSpecifier): string {
  if (!("names" in specifier)) return specifier.type;
  return `${specifier.type} (${specifier.names.map((name) => printMailbox(name)).join(" ")})`;
}
