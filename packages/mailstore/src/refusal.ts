// "Legal, but no": the closed set of reasons for which a well-formed request is refused.
// Each protocol maps every code in a Record, so that a new code does not compile until all of them answer it.

export type RefusalCode =
  | "accountExists"
  | "accountNotFound"
  | "addressInvalid"
  | "appPasswordInvalid"
  | "authenticationFailed"
  | "loginInsecure"
  | "loginUnavailable"
  | "loopDetected"
  | "mailboxExists"
  | "mailboxNameInvalid"
  | "mailboxNotFound"
  | "mailboxProtected"
  | "messageInvalid"
  | "messageMissing"
  | "messageTooLarge"
  | "notPermitted"
  | "overQuota"
  | "readOnly"
  | "relayDenied"
  | "senderNotAllowed"
  | "shuttingDown"
  | "storeFull"
  | "storeUnavailable"
  | "tooManyConnections"
  | "tooManyEntries"
  | "tooManyKeywords"
  | "tooManyLogins"
  | "tooManyMailboxes"
  | "tooManyRecipients"
  | "tooManyRights";

/** Thrown where a legal request is refused. `message` is one clear line that may be shown to the client. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Refusal";
    this.code = code;
  }
}
