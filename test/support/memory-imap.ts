// An IMAP server in this process over a store in memory, with one account; what the server asks of the store is counted.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { afterEach } from "@jest/globals";
import { startImapServer, type ImapLimits, type ImapServer } from "@pushmail/imap-idle-server";
import {
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type Appended,
  type MailboxHandle,
  type MailStore,
  type NewMessage,
  type StoreLimits,
  type TaskSlots,
} from "@pushmail/mailstore";
import { RawImap } from "./raw-imap.ts";

const USER = "alice@example.org";
const PASSWORD = "secret";

/** What was asked of the store since `reset`. */
export class StoreWork {
  bodyReads = 0;
  bodyBytes = 0;
  /** How often ranges of several bodies were asked for together. */
  readsAtOnce = 0;
  /** The most octets that were asked for together. */
  octetsAtOnceMax = 0;
  /** The most messages that were asked for with one call. */
  messagesAtOnceMax = 0;
  metadata = 0;
  details = 0;
  flagChanges = 0;
  /** How often changes were asked for that memory may not have. */
  changeReads = 0;

  reset(): void {
    Object.assign(this, new StoreWork());
  }
}

export interface MemoryImapOptions {
  readonly limits?: Partial<ImapLimits>;
  readonly storeLimits?: Partial<StoreLimits>;
  /** Called before each piece of a body is given to the server; what it throws, the server gets. */
  readonly beforePiece?: () => void | Promise<void>;
  /** The server's clock. */
  readonly now?: () => number;
  /** What the server gets in place of the store's own. */
  readonly inPlace?: (store: MailStore) => Partial<MailStore>;
  readonly searchSlots?: TaskSlots;
}

type MessageOptions = Partial<Pick<NewMessage, "flags" | "internalDateMs" | "mailbox">>;

export class MemoryImap {
  readonly store: MailStore;
  readonly account: AccountInfo;
  readonly server: ImapServer;
  readonly work: StoreWork;
  /** The server's ends of its connections, in the order in which they came. */
  readonly sockets: Socket[] = [];
  /** What the server logged as its own fault. */
  readonly errors: readonly object[];

  private constructor(parts: Pick<MemoryImap, "store" | "account" | "server" | "work" | "errors">) {
    this.store = parts.store;
    this.account = parts.account;
    this.server = parts.server;
    this.work = parts.work;
    this.errors = parts.errors;
    subscribe("net.server.socket", this.#onSocket);
  }

  static async start(options: MemoryImapOptions = {}): Promise<MemoryImap> {
    const { limits = {}, storeLimits = {}, beforePiece, now, inPlace, searchSlots } = options;
    const work = new StoreWork();
    const store = openMailStore(await openMemoryDriver(), {
      scryptCost: { N: 16, r: 1, p: 1 },
      scramIterations: 4_096,
      limits: storeLimits,
    });
    const account = await store.createAccount({ address: USER, password: PASSWORD });
    const ignore = (): void => undefined;
    const errors: object[] = [];
    const server = await startImapServer({
      store: overriding(counted(store, work, beforePiece), inPlace?.(store) ?? {}),
      host: "127.0.0.1",
      port: 0,
      hostname: "imap.example.org",
      log: { debug: ignore, info: ignore, warn: ignore, error: (fields) => errors.push(fields) },
      limits,
      ...(now === undefined ? {} : { now }),
      ...(searchSlots === undefined ? {} : { searchSlots }),
    });
    return new MemoryImap({ store, account, server, work, errors });
  }

  /** A session; with a mailbox it has that selected. */
  open(mailbox?: string): Promise<RawImap> {
    const login = { user: USER, password: PASSWORD };
    return RawImap.open(this.server.address, mailbox === undefined ? login : { ...login, mailbox });
  }

  /** Puts `count` messages of one text, stored once, into a mailbox: INBOX, where no other is given. */
  async append(text: string | Buffer, options: MessageOptions & { count?: number } = {}): Promise<readonly Appended[]> {
    const { count = 1, ...rest } = options;
    const inbox = await this.store.mailbox(this.account.id, "INBOX");
    if (inbox === undefined) throw new Error("no INBOX");
    const message = await this.store.stage(oneOf(Buffer.from(text)), { bytesMax: 2 ** 30 });
    const one: NewMessage = { account: this.account.id, mailbox: inbox.id, message, ...rest };
    return this.store.append(Array.from({ length: count }, () => one));
  }

  async close(): Promise<void> {
    unsubscribe("net.server.socket", this.#onSocket);
    await this.server.close();
    await this.store.close();
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort === this.server.address.port) this.sockets.push(socket);
  };
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** The same store, counting. */
function counted(store: MailStore, work: StoreWork, beforePiece: MemoryImapOptions["beforePiece"]): MailStore {
  return overriding(store, {
    async *body(...args: Parameters<MailStore["body"]>) {
      work.bodyReads++;
      for await (const piece of store.body(...args)) {
        await beforePiece?.();
        work.bodyBytes += piece.length;
        yield piece;
      }
    },
    async bodies(...[ranges, room]: Parameters<MailStore["bodies"]>) {
      await beforePiece?.();
      const all = await store.bodies(ranges, room);
      work.bodyReads += ranges.length;
      work.readsAtOnce++;
      const bytes = all.reduce((sum, octets) => sum + (octets?.length ?? 0), 0);
      work.bodyBytes += bytes;
      work.octetsAtOnceMax = Math.max(work.octetsAtOnceMax, bytes);
      return all;
    },
    setFlags(...args: Parameters<MailStore["setFlags"]>) {
      work.flagChanges++;
      return store.setFlags(...args);
    },
    changes(...args: Parameters<MailStore["changes"]>) {
      work.changeReads++;
      return store.changes(...args);
    },
    async open(at: Parameters<MailStore["open"]>[0]) {
      const handle = await store.open(at);
      return overriding<MailboxHandle>(handle, {
        metadata: (uids) => counting(handle.metadata(uids), "metadata"),
        details: (uids) => counting(handle.details(uids), "details"),
      });
    },
  });

  async function* counting<Stored>(
    batches: AsyncIterable<readonly Stored[]>,
    source: "metadata" | "details",
  ): AsyncGenerator<readonly Stored[]> {
    let atOnce = 0;
    for await (const batch of batches) {
      work[source] += batch.length;
      atOnce += batch.length;
      work.messagesAtOnceMax = Math.max(work.messagesAtOnceMax, atOnce);
      yield batch;
    }
  }
}

/** The same with some of it in another form. */
export function overriding<Target extends object>(target: Target, overrides: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(name in overrides ? overrides : target, name, target);
      return typeof value === "function" && !(name in overrides) ? value.bind(target) : value;
    },
  });
}

/** A way to start a server for a test, which is closed behind it. */
export function memoryImapOfTest(): (options?: MemoryImapOptions) => Promise<MemoryImap> {
  let started: MemoryImap | undefined;
  afterEach(async () => {
    await started?.close();
    started = undefined;
  });
  return async (options) => (started = await MemoryImap.start(options));
}
