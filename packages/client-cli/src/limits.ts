// Every bound of the client commands, by name; commands take them as a value so that tests can lower them.

/** The bounds that the client commands keep. */
export interface ClientLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly socketSilenceMs: number;
  readonly logoutMs: number;
  readonly idleRestartMs: number;
  readonly idleRetryMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  readonly retryStableMs: number;
  readonly fetchChunkMessages: number;
  readonly previewSourceBytes: number;
  readonly fullSourceBytes: number;
  readonly fieldBytesMax: number;
  readonly responseLineBytesMax: number;
  readonly smtpIdleMs: number;
  readonly inputBytesMax: number;
  readonly eventMessagesMax: number;
  readonly contrastGraceMs: number;
  readonly cleanUpMs: number;
}

/** The bounds in force when nobody asks for others. */
export const clientLimits: ClientLimits = {
  connectMs: 15_000,
  greetingMs: 10_000,
  // A connection that stays silent for so long is asked with a NOOP, and given up when that goes unanswered too.
  socketSilenceMs: 5 * 60_000,
  logoutMs: 1_000,
  // RFC 2177: IDLE is to be issued anew at least every 29 minutes.
  idleRestartMs: 25 * 60_000,
  idleRetryMs: 1_000,
  retryFirstMs: 250,
  retryMaxMs: 30_000,
  retryStableMs: 10_000,
  fetchChunkMessages: 100,
  previewSourceBytes: 64 * 1024,
  fullSourceBytes: 10 * 1024 * 1024,
  // A subject or a name of an envelope, which its sender makes as long as he likes.
  fieldBytesMax: 4 * 1024 * 1024,
  responseLineBytesMax: 32 * 1024 * 1024,
  // A kept SMTP connection is closed by us before servers tire of it, so that no mail meets a closing one.
  smtpIdleMs: 10_000,
  inputBytesMax: 25 * 1024 * 1024,
  eventMessagesMax: 1_000_000,
  contrastGraceMs: 10_000,
  cleanUpMs: 30_000,
};
