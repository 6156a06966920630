// Mail, flags and expunges that land while sessions enter and leave IDLE, at random turns of the event loop: each
// session must know of all of it once it idles, with nothing further to wake it.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startImapServer, type ImapLimits, type ImapServer } from "@pushmail/imap-idle-server";
import {
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type MailboxHandle,
  type MailboxStatus,
  uidSetOf,
  type MailStore,
} from "@pushmail/mailstore";
import { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "./support/seeded-random.ts";

const LOGIN = { user: "ann@example.org", password: "secret", mailbox: "INBOX" };
const ROUNDS = 700;
const SESSIONS = 4;

let store: MailStore;
let account: AccountInfo;
let inbox: MailboxStatus;
/** Whether each message is flagged, by UID. */
const messages = new Map<number, boolean>();
/** How many mails may still land in the midst of what sessions do. */
let landings = 0;
let random: () => number;
const errors: unknown[] = [];

beforeAll(async () => {
  random = seededRandom(testSeed());
  store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  account = await store.createAccount({ address: LOGIN.user, password: LOGIN.password });
  inbox = (await store.mailbox(account.id, "INBOX")) as MailboxStatus;
});

afterAll(() => store.close());

async function start(limits: Partial<ImapLimits>): Promise<ImapServer> {
  const ignore = (): void => undefined;
  const log = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: { readonly err?: unknown }) => void errors.push(fields.err ?? fields),
  };
  return startImapServer({ store: interrupted(store), host: "127.0.0.1", port: 0, hostname: "test", log, limits });
}

async function* textOf(subject: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`Subject: ${subject}\r\n\r\ntext\r\n`);
}

async function deliver(): Promise<void> {
  const message = await store.stage(textOf(messages.size), { bytesMax: 1_000 });
  const [appended] = await store.append([{ account: account.id, mailbox: inbox.id, message }]);
  if (appended !== undefined) messages.set(appended.uid, false);
}

/** The same store, in which mail lands just before and just after what sessions read and where they register. */
function interrupted(real: MailStore): MailStore {
  async function land(): Promise<void> {
    if (landings === 0 || random() < 0.5) return;
    landings--;
    await deliver();
  }
  return new Proxy(real, {
    get(target, name) {
      if (name === "open") {
        return async (...args: Parameters<MailStore["open"]>) => forgetful(await target.open(...args));
      }
      if (name === "changes") {
        return async (...args: Parameters<MailStore["changes"]>) => {
          await land();
          const page = await target.changes(...args);
          await land();
          return page;
        };
      }
      if (name === "watch") {
        return (...args: Parameters<MailStore["watch"]>) => {
          void land();
          const stop = target.watch(...args);
          void land();
          return () => {
            stop();
            void land();
          };
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The same mailbox, whose changes are only at times still in memory. */
function forgetful(real: MailboxHandle): MailboxHandle {
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === "recent" && random() < 0.5) return () => undefined;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A session that keeps the size of its mailbox and the flags of its messages as it is told. */
class FollowingSession {
  readonly #client: RawImap;
  readonly #random: () => number;
  #tags = 0;
  /** Whether each message is flagged; undefined as long as nobody said so. */
  messages: (boolean | undefined)[];

  constructor(client: RawImap, random: () => number, count: number) {
    this.#client = client;
    this.#random = random;
    this.messages = Array.from({ length: count });
  }

  /** Sends lines in pieces, with turns of the event loop between them. */
  async send(lines: readonly string[]): Promise<void> {
    let text = lines.map((line) => `${line}\r\n`).join("");
    while (text !== "") {
      const length = 1 + Math.floor(this.#random() * text.length * 2);
      this.#client.write(text.slice(0, length));
      text = text.slice(length);
      await turnsOfEventLoop(Math.floor(this.#random() * 3));
    }
  }

  async enterIdle(): Promise<void> {
    await this.send([`i${++this.#tags} IDLE`]);
    await this.#until((response) => response.startsWith("+"));
  }

  /** Leaves IDLE, perhaps does something, and enters it again. */
  async bounce(): Promise<void> {
    const between = ["NOOP", "FETCH 1:* FLAGS", "UID FETCH 1:* FLAGS", "CHECK", "SEARCH ALL"];
    const pick = Math.floor(this.#random() * between.length * 2);
    const command = between[pick];
    const lines = ["DONE", ...(command === undefined ? [] : [`c${this.#tags} ${command}`]), `i${++this.#tags} IDLE`];
    await this.send(lines);
    await this.#until((response) => response.startsWith("+"));
  }

  /** Waits, idling, until it knows what there is. */
  async know(what: () => readonly boolean[]): Promise<void> {
    while (!this.#knows(what())) {
      const news = `news to ${this.messages.map(String).join()} when it is ${what().map(String).join()}`;
      this.#obey(await this.#client.next(news, 5_000));
    }
  }

  #knows(what: readonly boolean[]): boolean {
    const isRight = (flagged: boolean, i: number): boolean => (this.messages[i] ?? flagged) === flagged;
    return this.messages.length === what.length && what.every(isRight);
  }

  close(): void {
    this.#client.close();
  }

  async #until(isLast: (response: string) => boolean): Promise<void> {
    for (;;) {
      const response = await this.#client.next();
      this.#obey(response);
      if (isLast(response)) return;
    }
  }

  #obey(response: string): void {
    const [, number, what] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(response) ?? [];
    const at = Number(number);
    if (what === "EXPUNGE") this.messages.splice(at - 1, 1);
    if (what === "EXISTS") while (this.messages.length < at) this.messages.push(undefined);
    if (what === "FETCH" && response.includes("FLAGS")) this.messages[at - 1] = response.includes("\\Flagged");
    // A message that is fetched by its number may be gone by then.
    if (/^\w+ (BAD|NO) (?!\[EXPUNGEISSUED\])/.test(response)) throw new Error(response, { cause: errors[0] });
  }
}

/** Delivers a message, flags one or expunges several. */
async function change(): Promise<void> {
  const at = { account: account.id, mailbox: inbox.id };
  const [uid, flagged] = [...messages][Math.floor(random() * messages.size * 2)] ?? [];
  if (uid === undefined) return deliver();
  if (messages.size > 6) {
    const gone = [...messages.keys()].filter(() => random() < 0.6);
    for (const victim of gone) messages.delete(victim);
    await store.setFlags(at, uidSetOf(gone), { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(at);
  } else {
    messages.set(uid, flagged !== true);
    await store.setFlags(at, [[uid, uid]], { mode: flagged === true ? "remove" : "add", flags: ["\\Flagged"] });
  }
}

/** What every session must know: ascending by UID, whether flagged. */
function expected(): readonly boolean[] {
  return [...messages].sort(([a], [b]) => a - b).map(([, flagged]) => flagged);
}

describe("what lands while sessions enter and leave IDLE", () => {
  it.each([
    ["read from the records of what changed", {}],
    ["found by comparing, where the records are too many", { changeRecordsMax: 1 }],
  ])(`is never missed in ${ROUNDS * SESSIONS} random interleavings, %s`, async (_, limits) => {
    const server = await start(limits);
    const clients = await Promise.all(Array.from({ length: SESSIONS }, () => RawImap.open(server.address, LOGIN)));
    const sessions = clients.map((client) => new FollowingSession(client, random, messages.size));
    await Promise.all(sessions.map((session) => session.enterIdle()));
    for (let round = 0; round < ROUNDS; round++) {
      landings = Math.floor(random() * 4);
      const bounces = sessions.filter(() => random() < 0.7).map((session) => session.bounce());
      for (let changes = Math.floor(random() * 3); changes > 0; changes--) {
        await turnsOfEventLoop(Math.floor(random() * 4));
        await change();
      }
      await Promise.all(bounces);
      landings = 0;
      for (const session of sessions) await session.know(expected);
    }
    expect(errors).toEqual([]);
    for (const session of sessions) session.close();
    await server.close();
  });
});
