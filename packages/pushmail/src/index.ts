// The embeddable server.
export { type ListenerAddress, type Pushmail, startPushmail } from "./start.ts";
export type { PushmailOptions } from "./options-given.ts";
export type { Limits, LimitsGiven, ListenerName, Port, ServerSettings } from "./settings.ts";
export { StartFault } from "./start-fault.ts";
// What a program needs that reads the feed.
export { follow, Refusal } from "@pushmail/mailstore";
export type {
  AccountId,
  Change,
  ChangeRecord,
  ChangesPage,
  Cursor,
  FollowOptions,
  MailboxId,
  MailStore,
} from "@pushmail/mailstore";
