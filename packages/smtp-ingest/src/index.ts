// The only door to the receivers of mail.
export type { Room } from "./engine/connection-gate.ts";
export type { AuthInClear } from "./engine/engine-settings.ts";
export type { ListenerKind } from "./incoming-mail.ts";
export { SMTP_LIMITS, SMTP_ZEROS, type SmtpLimits } from "./limits.ts";
export type { Logger } from "./logger.ts";
export { SMTP_TOLERANCES, type SmtpStrictness, type SmtpTolerance } from "./tolerances.ts";
export { startSmtpIngest, type SmtpIngest, type SmtpIngestOptions } from "./start-smtp-ingest.ts";
