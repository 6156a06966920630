// NOTIFY (RFC 5465): what happens in any mailbox is told at any time, without IDLE.
import { NOTIFY_EVENTS, parseNotifyArguments, SyntaxFault, type EventGroup } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { asTold, isSelected, Subscription } from "../notify/subscription.ts";
import { tellStatuses } from "../notify/tell-news.ts";
import { no } from "../replies.ts";

const KNOWN: ReadonlySet<string> = new Set(NOTIFY_EVENTS);
/** Those of them that say nothing of messages. */
const NOT_OF_MESSAGES = ["MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"];

export const notify: Command = command({
  name: "NOTIFY",
  in: ["authenticated", "selected"],
  capability: "NOTIFY",
  parse(scan) {
    scan.space();
    const args = parseNotifyArguments(scan);
    const ofSelected = args.groups.filter(({ mailboxes }) => isSelected(mailboxes));
    // RFC 5465 6.1
    if (ofSelected.length > 1) throw new SyntaxFault("The selected mailbox may be named once");
    for (const group of args.groups) checkEvents(group);
    return args;
  },
  async run(session, { groups, status }, state) {
    if (groups.length > session.limits.notifyGroupsMax) {
      return no("NOTIFICATIONOVERFLOW", `At most ${session.limits.notifyGroupsMax} groups of events are taken`);
    }
    // RFC 5465 3.1
    const unknown = groups.flatMap(({ events }) => events).find((event) => !KNOWN.has(event));
    if (unknown !== undefined) return no({ code: "BADEVENT", events: NOTIFY_EVENTS }, "There is no such event");
    const told: EventGroup[] = [];
    for (const group of groups) {
      told.push({ ...group, mailboxes: await asTold(session, state.account, group.mailboxes) });
    }
    const subscription = new Subscription(told);
    await session.listen(state, subscription);
    if (!status) return undefined;
    await tellStatuses(session, state, subscription);
    return undefined;
  },
});

function checkEvents({ mailboxes, events, fetch }: EventGroup): void {
  const has = (event: string): boolean => events.includes(event);
  // RFC 5465 5
  if (has("MessageNew") !== has("MessageExpunge")) throw new SyntaxFault("MessageNew goes with MessageExpunge");
  if ((has("FlagChange") || has("AnnotationChange")) && !has("MessageNew")) {
    throw new SyntaxFault("Changes of messages go with MessageNew and MessageExpunge");
  }
  // RFC 5465 6.1, 8
  if (isSelected(mailboxes)) {
    if (NOT_OF_MESSAGES.some(has)) throw new SyntaxFault("Of the selected mailbox only events of messages are told");
  } else if (fetch.length > 0) throw new SyntaxFault("Data of new messages are told of the selected mailbox only");
}
