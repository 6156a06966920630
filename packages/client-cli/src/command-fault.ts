// Failures as the user meets them: one line and an exit code. The codes follow sysexits where it has one.

/** Exit codes of all client commands. */
export const exitCodes: {
  readonly done: 0;
  readonly failed: 1;
  readonly usage: 2;
  readonly unavailable: 69;
  readonly internal: 70;
  readonly tryLater: 75;
  readonly loginRefused: 77;
  readonly interrupted: 130;
} = {
  done: 0,
  failed: 1,
  usage: 2,
  unavailable: 69,
  internal: 70,
  tryLater: 75,
  loginRefused: 77,
  interrupted: 130,
};

/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A failure with the line to print and the code to exit with. */
export class CommandFault extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = "CommandFault";
    this.exitCode = exitCode;
  }
}

/** A fault of the command line itself. */
export function usageFault(message: string): CommandFault {
  return new CommandFault(exitCodes.usage, message);
}

/** What imapflow, nodemailer and node put on the errors they raise. */
interface LibraryError {
  readonly message?: string;
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: unknown;
  readonly responseText?: string;
  readonly serverResponseCode?: string;
  readonly authenticationFailed?: boolean;
  readonly tlsFailed?: boolean;
  readonly originalCode?: string;
}

const unverified = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_HAS_EXPIRED",
]);

// RFC 5530 3: the answer may be another one soon, and says nothing about credentials or mailbox.
const temporary = new Set(["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT", "CONTACTADMIN"]);

const unreachable = new Set([
  // node
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "EPROTO",
  // imapflow
  "NoConnection",
  "EConnectionClosed",
  "StateLogout",
  "ClosedAfterConnectText",
  "ClosedAfterConnectTLS",
  "CONNECT_TIMEOUT",
  "GREETING_TIMEOUT",
  "UPGRADE_TIMEOUT",
  "ETIMEOUT",
  "ETHROTTLE",
  // nodemailer
  "ECONNECTION",
  "ESOCKET",
  "EDNS",
  "ETLS",
]);

/** Says what a library's error means for the user; an error in our own code is passed through. */
export function explain(error: unknown, peer: string): unknown {
  if (error instanceof CommandFault || typeof error !== "object" || error === null) return error;
  const { code = "", message = "", ...rest } = error as LibraryError;
  const text = rest.responseText ?? (typeof rest.response === "string" ? rest.response : message);
  if (unverified.has(code) || unverified.has(rest.originalCode ?? "")) {
    const hint = "--insecure takes it all the same";
    return new CommandFault(exitCodes.unavailable, `the certificate of ${peer} is not good: ${message} (${hint})`);
  }
  if (temporary.has(rest.serverResponseCode ?? ""))
    return new CommandFault(exitCodes.tryLater, `${peer} says: ${text}`);
  if (rest.authenticationFailed === true || code === "EAUTH" || code === "ENOAUTH") {
    return new CommandFault(exitCodes.loginRefused, `${peer} refuses the login: ${text}`);
  }
  if (rest.responseCode !== undefined && rest.responseCode >= 400) {
    const exitCode = rest.responseCode < 500 ? exitCodes.tryLater : exitCodes.failed;
    return new CommandFault(exitCode, `${peer} says: ${text}`);
  }
  if (rest.responseText !== undefined) return new CommandFault(exitCodes.failed, `${peer} says: ${text}`);
  // The rest of such a message is OpenSSL's, and means nothing to the user.
  if (/wrong version number|packet length too long/.test(message)) {
    const hint = "--no-tls or --starttls, or another port";
    return new CommandFault(exitCodes.unavailable, `${peer} does not begin with TLS (${hint})`);
  }
  if (unreachable.has(code) || code.startsWith("ERR_SSL_") || rest.tlsFailed === true) {
    return new CommandFault(exitCodes.unavailable, `cannot reach ${peer}: ${message}`);
  }
  // Node's codes for wrong calls begin with ERR_; every other code is a library's judgement on what the server sent.
  const judged = code !== "" && !code.startsWith("ERR_");
  return judged ? new CommandFault(exitCodes.failed, `${peer}: ${message}`) : error;
}
