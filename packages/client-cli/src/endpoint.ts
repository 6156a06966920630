// Which server, as whom, and how protected: from flags, a profile or the environment, with TLS on off loopback.
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { usageFault } from "./command-fault.ts";
import { parseInteger } from "./options.ts";
import type { Options, OptionTable } from "./options.ts";
import { Secret } from "./secret.ts";

/** In clear, in clear until STARTTLS, or TLS from the first byte. */
export type TlsMode = "plain" | "starttls" | "implicit";

/** A server and the account on it. */
export interface Endpoint {
  readonly host: string;
  readonly tls: TlsMode;
  /** Takes a certificate that cannot be verified. */
  readonly insecure: boolean;
  readonly imapPort: number;
  readonly smtpPort: number;
  readonly submissionPort: number;
  readonly login: Login | undefined;
}

/** Who logs in. */
export interface Login {
  readonly user: string;
  readonly password: Secret;
}

/** Names of the connection options. */
export type ConnectionOption =
  | "host"
  | "port"
  | "smtp-port"
  | "user"
  | "password"
  | "password-file"
  | "tls"
  | "starttls"
  | "no-tls"
  | "insecure"
  | "profile";

/** The options that all commands take. */
export const connectionOptions: OptionTable<ConnectionOption> = {
  host: { value: "HOST", help: "server (default 127.0.0.1)" },
  port: { value: "PORT", help: "IMAP port (default 2143, with TLS 2993; off loopback 143 and 993)" },
  "smtp-port": { value: "PORT", help: "SMTP port (default 2525, submission 2587 or 2465; off loopback 25, 587, 465)" },
  user: { value: "USER", short: "u", help: "account" },
  password: { value: "PASSWORD", help: "password (visible to other users of this machine: prefer a file or profile)" },
  "password-file": { value: "FILE", help: "the password is the first line of FILE" },
  tls: { help: "TLS from the first byte (default off loopback)" },
  starttls: { help: "upgrade by STARTTLS, and give up when the server has none" },
  "no-tls": { help: "in clear (default on loopback)" },
  insecure: { help: "take a certificate that cannot be verified, such as a self-signed one" },
  profile: { value: "NAME", help: "take the settings from PUSHMAIL_PROFILE_<NAME>" },
};

/** How the environment gives the settings, for the help texts. */
export const environmentHelp: string = `Environment, below the flags:
  PUSHMAIL_HOST PUSHMAIL_IMAP_PORT PUSHMAIL_SMTP_PORT PUSHMAIL_SUBMISSION_PORT PUSHMAIL_USER PUSHMAIL_PASSWORD
  PUSHMAIL_PASSWORD_FILE PUSHMAIL_TLS=on|starttls|off PUSHMAIL_INSECURE=1
  or, with --profile work, all of them in one URL:
  PUSHMAIL_PROFILE_WORK=imaps://user%40example.org:password@mail.example.org:993?smtp=25&submission=465&insecure=1
  imaps: is TLS; imap: is in clear on loopback, STARTTLS elsewhere
  NO_COLOR=1: no colours; PUSHMAIL_DEBUG=1: internal errors with their stack`;

/** Settings of one source, all as text; those of a stronger source replace those of a weaker. */
interface Settings {
  readonly host?: string | undefined;
  readonly tls?: string | undefined;
  readonly insecure?: string | undefined;
  readonly imapPort?: string | undefined;
  readonly smtpPort?: string | undefined;
  readonly submissionPort?: string | undefined;
  readonly user?: string | undefined;
  readonly secret?: SecretSource | undefined;
}

/** The password itself, or the file that holds it: a stronger source replaces either by either. */
type SecretSource = { readonly value: string } | { readonly file: string };

const defaultPorts: Record<
  "loopback" | "elsewhere",
  Record<TlsMode, [imap: string, smtp: string, submission: string]>
> = {
  loopback: {
    plain: ["2143", "2525", "2587"],
    starttls: ["2143", "2525", "2587"],
    implicit: ["2993", "2525", "2465"],
  },
  elsewhere: { plain: ["143", "25", "587"], starttls: ["143", "25", "587"], implicit: ["993", "25", "465"] },
};

/** What may stand behind the `?` of a profile. */
const PROFILE_PARAMETERS: readonly string[] = ["smtp", "submission", "insecure"];

/** Puts the settings together: flags over the profile, or over the environment when no profile is named. */
export async function resolveEndpoint(
  options: Options<ConnectionOption>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Endpoint> {
  const profile = options.text("profile");
  const base = profile === undefined ? environmentSettings(env) : profileSettings(profile, env);
  const settings: Settings = { ...base, ...defined(flagSettings(options)) };
  const host = settings.host ?? "127.0.0.1";
  const tls = tlsMode(settings.tls, host);
  const [imapPort, smtpPort, submissionPort] = defaultPorts[isLoopback(host) ? "loopback" : "elsewhere"][tls];
  return {
    host,
    tls,
    insecure: isInsecure(settings.insecure),
    imapPort: parsePort("the IMAP port", settings.imapPort ?? imapPort),
    smtpPort: parsePort("the SMTP port", settings.smtpPort ?? smtpPort),
    submissionPort: parsePort("the submission port", settings.submissionPort ?? submissionPort),
    login: await resolveLogin(settings),
  };
}

/** The login, which most commands cannot do without. */
export function requireLogin(endpoint: Endpoint): Login {
  if (endpoint.login === undefined) throw usageFault("no account: give --user, PUSHMAIL_USER or a --profile");
  return endpoint.login;
}

/** Whether the host is this machine, reached without leaving it; so is where it listens on every address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith("127.") || host === "0.0.0.0";
  return host === "::1" || host === "::" || host === "localhost" || host.endsWith(".localhost");
}

function flagSettings(options: Options<ConnectionOption>): Settings {
  const tls = options.oneOf("tls", "starttls", "no-tls");
  options.oneOf("password", "password-file");
  const smtpPort = options.text("smtp-port");
  return {
    host: options.text("host"),
    tls: tls === undefined ? undefined : { tls: "on", starttls: "starttls", "no-tls": "off" }[tls],
    insecure: options.given("insecure") ? "1" : undefined,
    imapPort: options.text("port"),
    smtpPort,
    submissionPort: smtpPort,
    user: options.text("user"),
    secret: secretSource(options.text("password"), options.text("password-file")),
  };
}

function environmentSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  return defined({
    host: env["PUSHMAIL_HOST"],
    tls: env["PUSHMAIL_TLS"],
    insecure: env["PUSHMAIL_INSECURE"],
    imapPort: env["PUSHMAIL_IMAP_PORT"],
    smtpPort: env["PUSHMAIL_SMTP_PORT"],
    submissionPort: env["PUSHMAIL_SUBMISSION_PORT"],
    user: env["PUSHMAIL_USER"],
    secret: secretSource(env["PUSHMAIL_PASSWORD"] || undefined, env["PUSHMAIL_PASSWORD_FILE"] || undefined),
  });
}

function profileSettings(name: string, env: Readonly<Record<string, string | undefined>>): Settings {
  const variable = `PUSHMAIL_PROFILE_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
  const text = env[variable];
  if (text === undefined) throw usageFault(`no profile "${name}": ${variable} is not set`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "imap:" && url.protocol !== "imaps:") || url.hostname === "") {
    // The value may hold a password, so it is not repeated.
    throw usageFault(`${variable} must be a URL like imaps://user:password@host:port`);
  }
  const unknown = [...url.searchParams.keys()].find((key) => !PROFILE_PARAMETERS.includes(key));
  if (unknown !== undefined)
    throw usageFault(`${variable} has a "${unknown}", which is none of ${PROFILE_PARAMETERS.join(", ")}`);
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  return defined({
    host,
    tls: url.protocol === "imaps:" ? "on" : isLoopback(host) ? "off" : "starttls",
    insecure: url.searchParams.get("insecure") ?? undefined,
    imapPort: url.port || undefined,
    smtpPort: url.searchParams.get("smtp") ?? undefined,
    submissionPort: url.searchParams.get("submission") ?? undefined,
    user: decodePercent(variable, url.username),
    secret: url.password === "" ? undefined : { value: decodePercent(variable, url.password) },
  });
}

function decodePercent(variable: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usageFault(`${variable} has a % that is not followed by two hexadecimal digits`);
  }
}

function secretSource(value: string | undefined, file: string | undefined): SecretSource | undefined {
  if (value !== undefined) return { value };
  return file === undefined ? undefined : { file };
}

function defined(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== ""));
}

function tlsMode(setting: string | undefined, host: string): TlsMode {
  if (setting === undefined) return isLoopback(host) ? "plain" : "implicit";
  if (setting === "on") return "implicit";
  if (setting === "off") return "plain";
  if (setting === "starttls") return "starttls";
  throw usageFault(`PUSHMAIL_TLS must be on, starttls or off, not "${setting}"`);
}

/** Whatever is neither yes nor no is no yes: it would take any certificate. */
function isInsecure(setting: string | undefined): boolean {
  if (setting === undefined || setting === "0") return false;
  if (setting === "1") return true;
  throw usageFault(`PUSHMAIL_INSECURE, or a profile's insecure, must be 1 or 0, not "${setting}"`);
}

function parsePort(label: string, text: string): number {
  return parseInteger(label, text, { least: 1, most: 65_535 });
}

async function resolveLogin(settings: Settings): Promise<Login | undefined> {
  const { user, secret } = settings;
  if (user === undefined) return undefined;
  if (secret === undefined) {
    throw usageFault(`no password for ${user}: give --password-file, --password, PUSHMAIL_PASSWORD or a --profile`);
  }
  if ("value" in secret) return { user, password: new Secret(secret.value) };
  const text = await readFile(secret.file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw usageFault(`cannot read the password file: ${error.message}`);
  });
  return { user, password: new Secret(text.split(/\r?\n/, 1)[0] ?? "") };
}
