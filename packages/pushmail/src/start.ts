// One pushmail in this process: a store and its listeners. `serve` and programs that embed it start it here.
import { inspect } from "node:util";
import { KeptFacts, type ImapServer, type Log, startImapServer } from "@pushmail/imap-idle-server";
import {
  checkLevelLimits,
  findSaslprep,
  isScryptCost,
  loadSaslprep,
  LoginThrottle,
  type MailStore,
  openLevelDriver,
  openMailStore,
  openMemoryDriver,
  SCRYPT_COST_MUST_BE,
  StoreDamage,
  TaskSlots,
} from "@pushmail/mailstore";
import type { BackupSummary } from "@pushmail/mailstore/maintenance";
import { Sasl } from "@pushmail/sasl";
import type { SearchIndex } from "@pushmail/search-index";
import { type SmtpIngest, startSmtpIngest } from "@pushmail/smtp-ingest";
import { loadTls, type TlsFiles } from "./certificate.ts";
import { type ConnectionRooms, descriptorsMax, shareOut } from "./descriptors.ts";
import { compactRegularly } from "./compaction.ts";
import type { ControlSocket } from "./control-socket.ts";
import { asciiName } from "./host-name.ts";
import {
  defaultLimits,
  type Limits,
  type ListenerName,
  listenerNames,
  mergeLimits,
  memoryLimits,
  type ServerSettings,
} from "./settings.ts";
import { type OptionsGiven, optionsGiven, type PushmailOptions } from "./options-given.ts";
import { strictnessOf, type Tolerance } from "./strictness.ts";
import { openIndex } from "./search-index.ts";
import { reasonOf, StartFault } from "./start-fault.ts";
import { loadTokenChecker } from "./tokens.ts";
import { UsersNote } from "./users-note.ts";
import { provisionUsers } from "./users.ts";

/** Where a listener is to be reached. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
}

type Addresses = Readonly<Record<ListenerName, ListenerAddress | undefined>>;

/** A running server; the address is undefined where a listener is off. */
export interface Pushmail extends Addresses, AsyncDisposable {
  readonly store: MailStore;
  /** Undefined where none is kept; its `status` tells how far it is behind. */
  readonly searchIndex: SearchIndex | undefined;
  /** Copies the data directory to another, as `pushmail backup` does; refused where mail is kept in memory. */
  backup(target: string): Promise<BackupSummary>;
  /** Reads key and certificate anew, for the connections to come; where that fails the old ones stay. */
  reloadCertificate(): Promise<void>;
  /** Takes no new connections, says good-bye to the open ones and closes the store. */
  close(): Promise<void>;
}

type Listener = SmtpIngest | ImapServer;

/** Starts a server: by default in memory, on free ports of 127.0.0.1, and silent. */
export async function startPushmail(given: PushmailOptions = {}): Promise<Pushmail> {
  const { settings, log, onStep } = optionsGiven(given);
  const limits = mergeLimits(settings.memory ? memoryLimits : defaultLimits, settings.limits);
  checkTogether(limits);
  const store = await openStore(settings, limits, { log, onStep });
  const listeners = new Map<ListenerName, Listener>();
  let control: ControlSocket | undefined;
  let closed: Promise<void> | undefined;
  let searchIndex: SearchIndex | undefined;
  const compact = async (): Promise<number> => {
    const bytes = await store.compact();
    await searchIndex?.sweep();
    return bytes;
  };
  const stopCompaction = compactRegularly({ compact }, limits.process.compactEveryMs, log);
  const close = async (): Promise<void> => {
    stopCompaction();
    try {
      await Promise.all(Array.from(listeners.values(), (listener) => listener.close()));
      await control?.close();
    } finally {
      try {
        await searchIndex?.close();
      } finally {
        await store.close();
      }
    }
  };
  try {
    searchIndex = openIndex(store, settings, { limits, log });
    const note = settings.memory ? undefined : new UsersNote(settings.data, limits.scrypt);
    await provisionUsers(store, settings.users, note);
    if (!settings.memory) {
      // When it is needed there may be no descriptor left.
      loadSaslprep();
      const { openControlSocket } = await import("./control-socket.ts");
      control = await openControlSocket(settings.data, { store, log });
    }
    const tls = await loadTls(settings, new Date());
    const throttle = new LoginThrottle({ limits: limits.login });
    const rooms = shareOut(limits, descriptorsMax());
    const tokens = await loadTokenChecker(settings, limits.token);
    const strict = strictnessOf(settings.strict);
    const sasl = new Sasl({ store, strict, ...(tokens === undefined ? {} : { tokens }) });
    const facts = new KeptFacts(limits.imap.search.factBytesMax);
    const searchSlots = new TaskSlots(limits.imap.search.detailedSearchesMax);
    const shared = { sasl, throttle, facts, searchSlots };
    const surroundings = { ...shared, searchIndex, strict, settings, limits, store, tls, log, rooms };
    for (const name of listenerNames) {
      const port = settings[name];
      if (port !== "off") listeners.set(name, await listen(name, port, surroundings));
    }
    // Behind the start, of which it would take a fiftieth.
    if (settings.memory) setImmediate(findSaslprep);
  } catch (error) {
    // Why it cannot start comes first.
    await close().catch((err: unknown) => log.error({ err }, "what had begun could not be closed"));
    throw error;
  }
  const end = (): Promise<void> => (closed ??= close());
  return {
    ...(Object.fromEntries(listenerNames.map((name) => [name, listeners.get(name)?.address])) as Addresses),
    store,
    searchIndex,
    backup: (target) => backUp(settings, target, store),
    async reloadCertificate() {
      const tls = await loadTls(settings, new Date());
      for (const listener of listeners.values()) listener.setTls(tls);
    },
    close: end,
    [Symbol.asyncDispose]: end,
  };
}

/** Each is checked where it is given; where the others are, and what they are for, is known here alone. */
function checkTogether({ scrypt, level }: Limits): void {
  if (!isScryptCost(scrypt)) throw new StartFault(`limits.scrypt: ${SCRYPT_COST_MUST_BE}, not ${inspect(scrypt)}`);
  try {
    checkLevelLimits(level);
  } catch (error) {
    throw new StartFault(`limits.level.${(error as Error).message}`, { cause: error });
  }
}

async function backUp({ data, memory }: ServerSettings, target: string, store: MailStore): Promise<BackupSummary> {
  if (memory) throw new Error("a server in memory has no data directory that could be copied");
  const { backupStore } = await import("@pushmail/mailstore/maintenance");
  return backupStore(data, target, { holdCompaction: () => store.holdCompaction() });
}

async function openStore(
  { data, memory }: ServerSettings,
  limits: Limits,
  { log, onStep }: Pick<OptionsGiven, "log" | "onStep">,
): Promise<MailStore> {
  const driver = memory
    ? await openMemoryDriver({ limits: limits.level })
    : await openLevelDriver({ directory: data, limits: limits.level, log, onStep }).catch((error: Error) => {
        const advice = error instanceof StoreDamage ? `; see pushmail check --data ${data}, and repair` : "";
        // Where another has it, the message names the directory and the holder.
        const isTaken = "code" in error && error.code === "STORE_LOCKED";
        const what = isTaken ? "" : `cannot open the data directory ${data}: `;
        throw new StartFault(`${what}${reasonOf(error)}${advice}`, { cause: error });
      });
  const onTrouble = (error: unknown): void => log.error({ err: error }, "trouble in the store's background work");
  const { store, scrypt, scram } = limits;
  return openMailStore(driver, {
    limits: store,
    scryptCost: scrypt,
    scramIterations: scram.iterations,
    onTrouble,
  });
}

interface Surroundings {
  readonly settings: ServerSettings;
  readonly limits: Limits;
  readonly store: MailStore;
  readonly searchIndex: SearchIndex | undefined;
  readonly sasl: Sasl;
  readonly strict: ReadonlySet<Tolerance>;
  readonly tls: TlsFiles;
  readonly log: Log;
  readonly throttle: LoginThrottle;
  readonly facts: KeptFacts;
  readonly searchSlots: TaskSlots;
  readonly rooms: ConnectionRooms;
}

async function listen(
  name: ListenerName,
  port: number,
  { settings, limits, rooms, searchIndex, ...rest }: Surroundings,
): Promise<Listener> {
  const { host } = settings;
  const hostname = asciiName(settings.hostname);
  const implicitTls = name === "imaps" || name === "submissions";
  const options = { ...rest, host, port, hostname, implicitTls };
  try {
    if (name === "imap" || name === "imaps") {
      const metadata = { comment: settings.serverComment, admin: settings.adminContact };
      const search = searchIndex === undefined ? {} : { searchIndex };
      const { unauthenticate } = settings;
      return await startImapServer({
        ...options,
        ...search,
        unauthenticate,
        metadata,
        room: rooms.imap,
        limits: limits.imap,
      });
    }
    const kind = name === "submissions" ? "submission" : name;
    const smtpOptions = { ...options, room: rooms.mail, kind, domains: settings.domain, limits: limits.smtp } as const;
    return await startSmtpIngest(smtpOptions);
  } catch (error) {
    throw new StartFault(`cannot listen on ${host}:${port} (${name}): ${(error as Error).message}`, { cause: error });
  }
}
