// One play of a transcript: a server of its own with one account, its sessions, and what was captured.
import {
  DEFAULT_IMAP_LIMITS,
  IMAP_TOLERANCES,
  startImapServer,
  type ImapLimits,
  type ImapServer,
} from "@pushmail/imap-idle-server";
import { openMailStore, type MailStore, type StoreDriver } from "@pushmail/mailstore";
import { createTokenChecker, Sasl, type TokenChecker } from "@pushmail/sasl";
import { LineClient, type Cut } from "./line-client.ts";
import { TEST_CERTIFICATE } from "./test-certificate.ts";
import { TEST_CLIENT_CA } from "./test-client-certificates.ts";
import { TEST_TOKEN_AUDIENCE, TEST_TOKEN_ISSUER, TEST_TOKEN_KEYS } from "./test-token-keys.ts";

export const ALICE = "alice@example.org";
const PASSWORD = "secret";
/** The server's half of every nonce, and what the salts of SCRAM are made with: what is said is the same in each run. */
const NONCE = "3rfcNHYJY1ZVvWVs7j";
const SALT_KEY = { key: "scram/salt-key", value: Buffer.alloc(32, "salt") };
const CHEAP_SCRYPT = { N: 16, r: 1, p: 1 };

export class TranscriptRun {
  readonly #cut: Cut;
  readonly #driver: StoreDriver;
  readonly #store: MailStore;
  readonly #clients = new Map<string, LineClient>();
  readonly #captures = new Map<string, string>();
  /** What a client says goes out together with what it says next. */
  readonly #unsent = new Map<string, string>();
  readonly #bugs: object[] = [];
  #limits: Partial<ImapLimits> = { tickMs: 5 };
  #nowMs = Date.UTC(2026, 10, 23, 12);
  #starting: Promise<ImapServer> | undefined;

  constructor(driver: StoreDriver, cut: Cut) {
    this.#cut = cut;
    this.#driver = driver;
    this.#store = openMailStore(driver, { scryptCost: CHEAP_SCRYPT, scramIterations: 4_096 });
  }

  /** A bound of a part of the server is named with it: `search.arrangedMessagesMax`. */
  setLimit(name: string, value: number): void {
    const [part, inner] = name.split(".") as [keyof ImapLimits, string | undefined];
    const limits = { ...DEFAULT_IMAP_LIMITS, ...this.#limits };
    const limit = inner === undefined ? value : { ...(limits[part] as object), [inner]: value };
    this.#limits = { ...this.#limits, [part]: limit };
  }

  async addAccount(address: string): Promise<void> {
    await this.#driver.directory.put([SALT_KEY]);
    await this.#store.createAccount({ address, password: PASSWORD });
  }

  passTime(ms: number): void {
    this.#nowMs += ms;
  }

  async client(session: string): Promise<LineClient> {
    const known = this.#clients.get(session);
    if (known !== undefined) return known;
    const { address } = await this.#server();
    const client = await LineClient.connect(address);
    this.#clients.set(session, client);
    return client;
  }

  /** Lines that follow each other are one write: the server must cope with commands that come in a heap. */
  async say(session: string, text: string, { more }: { readonly more: boolean }): Promise<void> {
    const unsent = `${this.#unsent.get(session) ?? ""}${this.#filled(text)}\r\n`;
    this.#unsent.set(session, more ? unsent : "");
    if (!more) await (await this.client(session)).send(unsent, this.#cut);
  }

  async expect(session: string, pattern: string): Promise<void> {
    const client = await this.client(session);
    const line = await client.line();
    if (line === undefined) throw new Error(`expected ${pattern}\nbut the connection has ended`);
    if (!this.#matches(pattern, line)) throw new Error(`expected ${pattern}\n     but got ${line}`);
  }

  async expectEnd(session: string): Promise<void> {
    const client = await this.client(session);
    const line = await client.line();
    if (line !== undefined) throw new Error(`expected the end but got ${line}`);
    client.destroy();
    this.#clients.delete(session);
  }

  /** Connects where need be, and carries out a command whose answer is of no interest. */
  async command(session: string, text: string): Promise<void> {
    const isNew = !this.#clients.has(session);
    if (isNew) await this.expect(session, "* OK $...");
    await this.say(session, `setup ${text}`, { more: false });
    for (;;) {
      const line = await (await this.client(session)).line();
      if (line?.startsWith("setup OK") === true) return;
      if (line?.startsWith("* ") !== true) throw new Error(`${text}: ${line ?? "the connection has ended"}`);
    }
  }

  async deliver(mailbox: string, subject: string): Promise<void> {
    await this.#server();
    const account = await this.#store.findAccount(ALICE);
    const target = account === undefined ? undefined : await this.#store.mailbox(account.id, mailbox);
    if (account === undefined || target === undefined) throw new Error(`no mailbox ${mailbox}`);
    const text = `From: bob@example.net\r\nSubject: ${subject}\r\n\r\nText of ${subject}\r\n`;
    const message = await this.#store.stage(oneOf(Buffer.from(text)), { bytesMax: 10_000 });
    await this.#store.append([{ account: account.id, mailbox: target.id, message }]);
  }

  async setQuota(quotaBytesMax: number, quotaMessagesMax: number): Promise<void> {
    await this.#server();
    const account = await this.#store.findAccount(ALICE);
    if (account !== undefined) await this.#store.updateAccount(account.id, { quotaBytesMax, quotaMessagesMax });
  }

  async closeServer(): Promise<void> {
    await (await this.#server()).close();
  }

  /** Every session still there ends without having been told anything that the transcript does not have. */
  async finish(): Promise<void> {
    for (const session of this.#clients.keys()) {
      await this.say(session, "finish LOGOUT", { more: false });
      await this.expect(session, "* BYE Logging out");
      await this.expect(session, "finish OK LOGOUT completed");
    }
    if (this.#bugs.length > 0) throw new Error(`the server logged an error: ${JSON.stringify(this.#bugs)}`);
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.destroy();
    await (await this.#starting)?.close();
    await this.#store.close();
  }

  #server(): Promise<ImapServer> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<ImapServer> {
    await this.addAccount(ALICE);
    const ignore = (): void => undefined;
    const error = (fields: object, message: string): void => {
      const cause = "err" in fields && fields.err instanceof Error ? fields.err.stack : undefined;
      this.#bugs.push({ ...fields, message, cause });
    };
    return startImapServer({
      store: this.#store,
      sasl: new Sasl({ store: this.#store, nonce: () => NONCE, tokens: await this.#tokens() }),
      host: "127.0.0.1",
      port: 0,
      metadata: { comment: "Shared comment", admin: "mailto:admin@example.org" },
      hostname: "imap.example.org",
      tls: { ...TEST_CERTIFICATE, clientCa: TEST_CLIENT_CA },
      log: { debug: ignore, info: ignore, warn: ignore, error },
      limits: this.#limits,
      // By the letter: test/tolerances.test.ts has what is let pass.
      strict: new Set(IMAP_TOLERANCES),
      now: () => this.#nowMs,
      random: () => 0.5,
    });
  }

  #tokens(): Promise<TokenChecker> {
    return createTokenChecker({
      issuer: TEST_TOKEN_ISSUER,
      audience: TEST_TOKEN_AUDIENCE,
      claim: "email",
      source: { keys: TEST_TOKEN_KEYS },
      now: () => this.#nowMs,
    });
  }

  #filled(text: string): string {
    return text.replace(/\$([a-z]\w*)/g, (whole, name: string) => this.#captures.get(name) ?? whole);
  }

  #matches(pattern: string, line: string): boolean {
    const names: string[] = [];
    const source = this.#filled(pattern)
      .split(/(\$\.\.\.|\$[a-z]\w*)/)
      .map((part, i) => {
        if (i % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
        if (part === "$...") return ".*";
        names.push(part.slice(1));
        return "([^ ()\\[\\]]+)";
      });
    const found = new RegExp(`^${source.join("")}$`).exec(line);
    names.forEach((name, i) => found?.[i + 1] !== undefined && this.#captures.set(name, found[i + 1] as string));
    return found !== null;
  }
}

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
