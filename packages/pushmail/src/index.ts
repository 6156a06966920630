// The embeddable server.
export { type ListenerAddress, type Pushmail, startPushmail } from "./start.ts";
export type { PushmailOptions } from "./options-given.ts";
export type { Limits, LimitsGiven, ListenerName, Port, ServerSettings, UserSettings } from "./settings.ts";
export { StartFault } from "./start-fault.ts";
// What a program needs that reads the feed.
export { follow, Refusal } from "@pushmail/mailstore";
export type {
  AccountId,
  AccountInfo,
  Change,
  ChangeRecord,
  ChangesPage,
  Cursor,
  FollowOptions,
  MailboxAt,
  MailboxHandle,
  MailboxId,
  MailboxStatus,
  MailStore,
  MessageDetails,
  MessageMetadata,
  UidSet,
} from "@pushmail/mailstore";
