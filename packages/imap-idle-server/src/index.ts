// The only door to the IMAP server.
export type { Room } from "./admission.ts";
export { KeptFacts } from "./arrange/kept-facts.ts";
export type { Command } from "./command.ts";
export { COMMANDS } from "./commands/index.ts";
export { DEFAULT_LIMITS as DEFAULT_IMAP_LIMITS, IMAP_ZEROS, type ImapLimits } from "./limits.ts";
export type { Log } from "./log.ts";
export { describeMessages, describeFormat } from "./search/describe-messages.ts";
export { IMAP_TOLERANCES, type ImapStrictness, type ImapTolerance } from "./tolerances.ts";
export { startImapServer, type ImapServer, type ImapServerOptions } from "./serve.ts";
