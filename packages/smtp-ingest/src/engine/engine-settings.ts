// What a listener is, and the options of smtp-server that make it so.
import type { SMTPServerOptions } from "smtp-server";
import type { LoginThrottle } from "@pushmail/mailstore";
import { tlsContextOptions, type Sasl, type TlsCredentials } from "@pushmail/sasl";
import type { SmtpLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { SmtpStrictness } from "../tolerances.ts";
import type { Room } from "./connection-gate.ts";
import type { LineEndPolicy } from "./data-decoder.ts";

/** Who may log in without TLS: clients on the same machine, or nobody. */
export type AuthInClear = "loopback" | "never";

export interface EngineSettings {
  readonly protocol: "smtp" | "lmtp";
  readonly hostname: string;
  /** Whether AUTH is offered, and must come before MAIL. */
  readonly authentication: boolean;
  readonly authInClear: AuthInClear;
  readonly lineEnds: LineEndPolicy;
  readonly tls: TlsCredentials | null;
  /** Whether TLS begins with the connection instead of with STARTTLS. */
  readonly implicitTls: boolean;
  readonly limits: SmtpLimits;
  readonly log: Logger;
  readonly now: () => number;
  readonly throttle: LoginThrottle;
  readonly sasl: Sasl;
  readonly strict: SmtpStrictness;
  readonly room: Room | undefined;
}

const NEVER = ["WIZ", "SHELL", "KILL", "XCLIENT", "XFORWARD"];

/** Each option that any credentials give: smtp-server keeps what new ones do not have. */
export function tlsServerOptions({ authentication }: EngineSettings, tls: TlsCredentials): SMTPServerOptions {
  const requestCert = authentication && tls.clientCa !== undefined;
  return { ca: undefined, ...tlsContextOptions(tls), requestCert, rejectUnauthorized: false };
}

export function smtpServerOptions(settings: EngineSettings): SMTPServerOptions {
  const { limits, tls } = settings;
  const disabledCommands = [...NEVER];
  if (!settings.authentication) disabledCommands.push("AUTH");
  if (tls === null) disabledCommands.push("STARTTLS");
  return {
    ...(tls === null ? {} : tlsServerOptions(settings, tls)),
    secure: settings.implicitTls,
    // A client may close its side early and still wants its answers.
    allowHalfOpen: true,
    lmtp: settings.protocol === "lmtp",
    name: settings.hostname,
    heloResponse: "%s",
    disabledCommands,
    // A placeholder: EngineConnection says which.
    authMethods: ["PLAIN"],
    // Which connections may send a password, EngineConnection decides.
    allowInsecureAuth: true,
    // AUTH would not be among them: EngineConnection counts.
    maxAllowedUnauthenticatedCommands: false,
    // Announced, and held against MAIL's SIZE. CommandStream holds it against the content: no `rejectOversized` needed.
    size: limits.messageBytesMax,
    hideENHANCEDSTATUSCODES: false,
    disableReverseLookup: true,
    socketTimeout: limits.idleTimeoutMs,
    logger: false,
  };
}
