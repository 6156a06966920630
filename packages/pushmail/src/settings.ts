// Everything that can be set, once: from this table come flags, environment variables, the file's keys and the docs.
import { DEFAULT_IMAP_LIMITS as IMAP_LIMITS, IMAP_ZEROS, type ImapLimits } from "@pushmail/imap-idle-server";
import {
  DEFAULT_SCRAM_ITERATIONS,
  DEFAULT_SCRYPT_COST,
  DEFAULT_STORE_LIMITS as STORE_LIMITS,
  LEVEL_LIMITS,
  LEVEL_ZEROS,
  type LevelLimits,
  LOGIN_LIMITS,
  LOGIN_ZEROS,
  type LoginLimits,
  MEMORY_LIMITS,
  STORE_ZEROS,
  type ScryptCost,
  type StoreLimits,
} from "@pushmail/mailstore";
import { TOKEN_LIMITS, TOKEN_ZEROS, type TokenLimits } from "@pushmail/sasl";
import { SEARCH_INDEX_LIMITS, SEARCH_INDEX_ZEROS, type SearchIndexLimits } from "@pushmail/search-index";
import { SMTP_LIMITS, SMTP_ZEROS, type SmtpLimits } from "@pushmail/smtp-ingest";
import { machineName } from "./host-name.ts";

/** A TCP port, 0 for a free one, or no listener at all. */
export type Port = number | "off";

/** The listeners, in the order in which they are told of. */
export const listenerNames = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"] as const;
export type ListenerName = (typeof listenerNames)[number];

/** The bounds of the process itself. */
export interface ProcessLimits {
  /** How often the space of expunged mail is looked for and given back; 0 is never. */
  readonly compactEveryMs: number;
  /** How long the end may take; the listeners' own grace periods are shorter. */
  readonly closeMs: number;
  /** File descriptors that connections leave to the store, of which they leave half at most. */
  readonly descriptorsReserved: number;
}

/** Every bound of every part, by part. */
export interface Limits {
  readonly process: ProcessLimits;
  readonly smtp: SmtpLimits;
  readonly imap: ImapLimits;
  /** Failed logins on whatever listener. */
  readonly login: LoginLimits;
  /** Tokens in place of passwords. */
  readonly token: TokenLimits;
  readonly store: StoreLimits;
  readonly level: LevelLimits;
  readonly searchIndex: SearchIndexLimits;
  /** What the check of a password costs; in memory, where no hash can be stolen, next to nothing. */
  readonly scrypt: ScryptCost;
  /** What SCRAM's keys cost, to whoever logs in by them too; RFC 7677 4 wants 4096 at least. */
  readonly scram: { readonly iterations: number };
}

/** Any of the bounds: those that are to differ from their defaults. */
export type LimitsGiven<Of = Limits> = {
  readonly [Name in keyof Of]?: Of[Name] extends number ? number : LimitsGiven<Of[Name]>;
};

export const defaultLimits: Limits = {
  process: { compactEveryMs: 3_600_000, closeMs: 4_500, descriptorsReserved: 1_200 },
  smtp: SMTP_LIMITS,
  imap: IMAP_LIMITS,
  login: LOGIN_LIMITS,
  token: TOKEN_LIMITS,
  store: STORE_LIMITS,
  level: LEVEL_LIMITS,
  searchIndex: SEARCH_INDEX_LIMITS,
  scrypt: DEFAULT_SCRYPT_COST,
  scram: { iterations: DEFAULT_SCRAM_ITERATIONS },
};

/** Those that may be 0, by part; all others are at least 1. */
export const zeroLimits: Readonly<Record<keyof Limits, readonly string[]>> = {
  process: ["compactEveryMs", "descriptorsReserved"],
  smtp: SMTP_ZEROS,
  imap: IMAP_ZEROS,
  login: LOGIN_ZEROS,
  token: TOKEN_ZEROS,
  store: STORE_ZEROS,
  level: LEVEL_ZEROS,
  searchIndex: SEARCH_INDEX_ZEROS,
  scrypt: [],
  scram: [],
};

/** The bounds of a server that keeps its mail in memory. */
export const memoryLimits: Limits = {
  ...defaultLimits,
  level: MEMORY_LIMITS,
  scrypt: { N: 16, r: 1, p: 1 },
  scram: { iterations: 4_096 },
};

/** A user with more than a password. What is left out is as it was, or as it is for a new account. */
export interface UserSettings {
  readonly password: string;
  /** Other addresses of the account; `@domain` catches all that nobody else has there. */
  readonly aliases?: readonly string[];
  /** Bounds of what the account may hold; 0 is none. */
  readonly quotaBytesMax?: number;
  readonly quotaMessagesMax?: number;
}

/** What the server needs to know, in a process of its own or embedded. */
export interface ServerSettings extends Readonly<Record<ListenerName, Port>> {
  readonly data: string;
  readonly memory: boolean;
  readonly host: string;
  readonly hostname: string;
  readonly domain: readonly string[];
  readonly unauthenticate: "on" | "off";
  readonly serverComment: string;
  readonly adminContact: string;
  /** A file of `address:password` lines, or users by address. */
  readonly users: string | Readonly<Record<string, string | UserSettings>>;
  readonly tlsKey: string;
  readonly tlsCert: string;
  readonly tlsClientCa: string;
  /** Whether searched mailboxes are indexed; mail that is kept in memory never is. */
  readonly searchIndex: "on" | "off";
  /** Tolerances to do without; `all` is every one. */
  readonly strict: readonly string[];
  readonly oauthIssuer: string;
  readonly oauthAudience: string;
  readonly oauthClaim: string;
  /** Of these three one is set where `oauthIssuer` is. */
  readonly oauthKeys: string;
  readonly oauthKeysUrl: string;
  readonly oauthIntrospectionUrl: string;
  readonly limits: LimitsGiven;
}

/** What `pushmail serve` needs to know. */
export interface Settings extends ServerSettings {
  readonly log: "pretty" | "json";
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
  readonly demo: boolean;
}

/** How a setting is written down, and what it means. */
export interface SettingSpec {
  readonly kind: "text" | "host" | "path" | "port" | "switch" | "names" | "users" | readonly string[];
  /** What stands for the value in the usage. */
  readonly value: string;
  readonly says: string;
  /** What holds where nothing is set, if the default value does not say it. */
  readonly unset?: string;
}

export const settingSpecs: Readonly<Record<Exclude<keyof Settings, "limits">, SettingSpec>> = {
  data: { kind: "path", value: "DIR", says: "directory that keeps the mail" },
  memory: { kind: "switch", value: "", says: "keep the mail in memory: it is gone with the process" },
  host: { kind: "text", value: "ADDR", says: "address to listen on" },
  hostname: {
    kind: "host",
    value: "NAME",
    says: "name in greetings, Received fields and the self-signed certificate",
    unset: "the machine's name, else localhost",
  },
  domain: { kind: "names", value: "NAME", says: "domain whose mail ends here", unset: "those of the accounts" },
  unauthenticate: {
    kind: ["on", "off"],
    value: "STATE",
    says: "whether IMAP connections may go back to before login (UNAUTHENTICATE): on or off",
  },
  serverComment: { kind: "text", value: "TEXT", says: "what clients are told of the server (METADATA)", unset: "none" },
  adminContact: {
    kind: "text",
    value: "URI",
    says: "where its administrator is reached, as mailto: or tel: (METADATA)",
    unset: "none",
  },
  smtp: { kind: "port", value: "PORT", says: "SMTP for local recipients, without login" },
  submission: { kind: "port", value: "PORT", says: "submission: SMTP with login, STARTTLS" },
  submissions: { kind: "port", value: "PORT", says: "submission, TLS from the first byte" },
  lmtp: { kind: "port", value: "PORT", says: "LMTP, for a mail server in front" },
  imap: { kind: "port", value: "PORT", says: "IMAP, STARTTLS" },
  imaps: { kind: "port", value: "PORT", says: "IMAP, TLS from the first byte" },
  users: { kind: "users", value: "FILE", says: "accounts to have, as lines of address:password" },
  tlsKey: { kind: "path", value: "FILE", says: "private key (PEM)", unset: "self-signed" },
  tlsCert: { kind: "path", value: "FILE", says: "certificate with its chain (PEM)", unset: "self-signed" },
  tlsClientCa: {
    kind: "path",
    value: "FILE",
    says: "authority (PEM) whose certificates let clients in (EXTERNAL)",
    unset: "none",
  },
  oauthIssuer: {
    kind: "text",
    value: "URL",
    says: "who issues tokens for OAUTHBEARER and XOAUTH2, as they name him",
    unset: "no tokens",
  },
  oauthAudience: { kind: "text", value: "NAME", says: "for whom a token must be", unset: "none" },
  oauthClaim: { kind: "text", value: "NAME", says: "claim of a token that holds the account's address" },
  oauthKeys: { kind: "path", value: "FILE", says: "the issuer's keys (JWKS)", unset: "none" },
  oauthKeysUrl: { kind: "text", value: "URL", says: "where the issuer's keys are to be had", unset: "none" },
  oauthIntrospectionUrl: {
    kind: "text",
    value: "URL",
    says: "where to ask about a token (RFC 7662), with NAME:PASSWORD@ in it",
    unset: "none",
  },
  strict: { kind: "names", value: "NAME", says: "tolerance of docs/clients.md to do without, or all", unset: "none" },
  searchIndex: {
    kind: ["on", "off"],
    value: "STATE",
    says: "on or off: index the texts of mailboxes that are searched",
  },
  log: { kind: ["pretty", "json"], value: "FORMAT", says: "how log lines look: pretty or json" },
  logLevel: {
    kind: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    value: "LEVEL",
    says: "trace, debug, info, warn, error, fatal or silent",
  },
  demo: { kind: "switch", value: "", says: "have a demo account, and say how to try it" },
};

/** What `pushmail serve` does where nothing is set. */
export const defaultSettings: Settings = {
  data: "data",
  memory: false,
  host: "127.0.0.1",
  hostname: machineName(),
  domain: [],
  unauthenticate: "on",
  serverComment: "",
  adminContact: "",
  smtp: 2525,
  submission: 2587,
  submissions: 2465,
  lmtp: 2424,
  imap: 2143,
  imaps: 2993,
  users: {},
  tlsKey: "",
  tlsCert: "",
  tlsClientCa: "",
  oauthIssuer: "",
  oauthAudience: "",
  oauthClaim: "email",
  oauthKeys: "",
  oauthKeysUrl: "",
  oauthIntrospectionUrl: "",
  strict: [],
  searchIndex: "on",
  log: "pretty",
  logLevel: "info",
  demo: false,
  limits: {},
};

/** `base` with what `given` says instead. A directory given in place of memory ends the memory, and the other way round. */
export function mergeSettings<Base extends ServerSettings>(base: Base, given: Partial<Base>): Base {
  const memory = base.memory && given.data === undefined;
  const data = given.memory === true ? defaultSettings.data : base.data;
  return { ...base, memory, data, ...given, limits: mergeLimits(base.limits, given.limits ?? {}) };
}

/** `base` with the bounds that `given` names, in any depth. */
export function mergeLimits<Base extends LimitsGiven>(base: Base, given: LimitsGiven): Base {
  return mergeTrees(base, given) as Base;
}

function mergeTrees(base: object, given: object): object {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) merged[name] = typeof value === "object" ? mergeTrees(merged[name] ?? {}, value) : value;
  }
  return merged;
}
