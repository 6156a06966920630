// A listener on a free port over a memory store with three accounts, for tests.
import { openMailStore, openMemoryDriver } from "@pushmail/mailstore";
import type { AccountInfo, MailStore, StoreDriver } from "@pushmail/mailstore";
import { startSmtpIngest } from "../start-smtp-ingest.ts";
import type { SmtpIngest, SmtpIngestOptions } from "../start-smtp-ingest.ts";
import { Dialogue } from "./dialogue.ts";

/** When every mail of a test comes in. */
export const NOW_MS: number = Date.UTC(2026, 10, 22, 12, 30, 5);

export interface LogEntry {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A store with some of its methods replaced. */
export function replacing(changes: (store: MailStore) => Partial<MailStore>): (store: MailStore) => MailStore {
  return (store) => {
    const replaced: Partial<Record<PropertyKey, unknown>> = changes(store);
    return new Proxy(store, {
      get(target, name) {
        const method: unknown = replaced[name] ?? Reflect.get(target, name);
        return typeof method === "function" ? (method.bind(target) as unknown) : method;
      },
    });
  };
}

/** One listener with its store. */
export class TestListener {
  readonly store: MailStore;
  readonly driver: StoreDriver;
  readonly ingest: SmtpIngest;
  readonly logged: LogEntry[];

  private constructor(parts: Pick<TestListener, "store" | "driver" | "ingest" | "logged">) {
    this.store = parts.store;
    this.driver = parts.driver;
    this.ingest = parts.ingest;
    this.logged = parts.logged;
  }

  /** alice (also info@), bob with a quota of 4,000 bytes, and carol who catches all of example.com. */
  static async start(
    options: Pick<SmtpIngestOptions, "kind"> & Partial<SmtpIngestOptions>,
    wrap: (store: MailStore) => MailStore = (store) => store,
  ): Promise<TestListener> {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
    const password = "secret";
    await store.createAccount({ address: "alice@example.org", password, aliases: ["info@example.org"] });
    await store.createAccount({ address: "bob@example.org", password, quotaBytesMax: 4_000 });
    await store.createAccount({ address: "carol@example.org", password, aliases: ["@example.com"] });
    const logged: LogEntry[] = [];
    const logAt =
      (level: string) =>
      (fields: object, message: string): void =>
        void logged.push({ level, fields, message });
    const ingest = await startSmtpIngest({
      store: wrap(store),
      host: "127.0.0.1",
      port: 0,
      hostname: "mx.example.org",
      log: { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") },
      now: () => NOW_MS,
      ...options,
    });
    return new TestListener({ store, driver, ingest, logged });
  }

  get port(): number {
    return this.ingest.address.port;
  }

  dial(): Dialogue {
    return Dialogue.open(this.port);
  }

  /** Plays a whole connection. */
  async play(script: string): Promise<void> {
    await this.dial().play(script);
  }

  async account(address: string): Promise<AccountInfo> {
    const account = await this.store.findAccount(address);
    if (account === undefined) throw new Error(`no account ${address}`);
    return account;
  }

  /** The mails in an account's inbox, byte for byte, oldest first. */
  async mails(address: string): Promise<string[]> {
    const { id } = await this.account(address);
    const inbox = await this.store.mailbox(id, "INBOX");
    if (inbox === undefined) throw new Error(`no inbox for ${address}`);
    const handle = await this.store.open({ account: id, mailbox: inbox.id });
    const mails: string[] = [];
    for await (const batch of handle.metadata([[1, inbox.uidNext]])) {
      for (const { blob } of batch) {
        const pieces: Uint8Array[] = [];
        for await (const piece of this.store.body(blob)) pieces.push(piece);
        mails.push(Buffer.concat(pieces).toString("utf8"));
      }
    }
    handle.release();
    return mails;
  }

  /** The one mail of an account without the trace header that was put in front. */
  async content(address: string): Promise<string> {
    const [mail, ...more] = await this.mails(address);
    if (mail === undefined || more.length > 0) throw new Error(`${address} has not one mail`);
    return mail.replace(/^Return-Path: .*\r\nReceived: .*(?:\r\n\t.*)*\r\n/, "");
  }

  get errors(): LogEntry[] {
    return this.logged.filter(({ level }) => level === "error");
  }

  async stop(): Promise<void> {
    await this.ingest.close();
    await this.store.close();
  }
}
