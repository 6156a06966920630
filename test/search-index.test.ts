// The search index against a search that looks at every message: the same answers, whatever is indexed and whatever
// happens to what is stored of it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import {
  DEFAULT_IMAP_LIMITS,
  describeFormat,
  describeMessages,
  type ImapServer,
  startImapServer,
} from "@pushmail/imap-idle-server";
import { type AccountInfo, type MailStore, openMailStore, openMemoryDriver } from "@pushmail/mailstore";
import { openSearchIndex, type SearchIndex, type SearchIndexLimits } from "@pushmail/search-index";
import { within } from "./support/deadline.ts";
import { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const USER = "alice@example.org";
const PASSWORD = "secret";
const MESSAGES = Number(process.env["SEARCH_MESSAGES"] ?? 40);
const QUERIES = Number(process.env["SEARCH_QUERIES"] ?? 30);
/** Small, so that some messages are read in pieces and packs are many. */
const SEARCH = { ...DEFAULT_IMAP_LIMITS.search, scannedMessagesMax: 0, heldOctetsMax: 600, lineBytesMax: 600 };
const INDEX: Partial<SearchIndexLimits> = {
  packMessagesMax: 8,
  filterBytesMax: 1_024,
  lagMs: 0,
  restMs: 0,
  restMsMax: 0,
};

const ignore = (): void => undefined;

/** One store with two servers: one asks the index, one looks at every message. */
class Pair {
  readonly store: MailStore;
  readonly account: AccountInfo;
  readonly directory: string;
  readonly warnings: object[] = [];
  /** Bodies that the server with the index has asked for. */
  looks = 0;
  /** Lets the indexer go on. */
  openGate: () => void = ignore;
  #gate: Promise<void> | undefined;
  index!: SearchIndex;
  #servers: readonly ImapServer[] = [];
  indexed!: RawImap;
  plain!: RawImap;

  private constructor(parts: Pick<Pair, "store" | "account" | "directory">) {
    this.store = parts.store;
    this.account = parts.account;
    this.directory = parts.directory;
  }

  static async start(limits: Partial<SearchIndexLimits>, scannedMessagesMax: number): Promise<Pair> {
    const scrypt = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
    const store = openMailStore(await openMemoryDriver(), scrypt);
    const account = await store.createAccount({ address: USER, password: PASSWORD });
    const directory = await mkdtemp(join(tmpdir(), "search-index-"));
    const pair = new Pair({ store, account, directory });
    await pair.#open(limits, { ...SEARCH, scannedMessagesMax });
    return pair;
  }

  async #open(limits: Partial<SearchIndexLimits>, search: typeof SEARCH): Promise<void> {
    const { store, directory, warnings } = this;
    const describe = describeMessages(store, search);
    this.index = openSearchIndex({
      store,
      directory,
      describe: (messages, tools) => describe(messages, { ...tools, rest: () => this.#gate ?? tools.rest() }),
      format: describeFormat(search),
      limits: { ...INDEX, ...limits },
      log: { debug: ignore, warn: (fields) => warnings.push(fields), error: (fields) => warnings.push(fields) },
    });
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    const common = { host: "127.0.0.1", port: 0, hostname: "test", log, limits: { search } };
    const indexed = await startImapServer({ ...common, store: this.#counted(store), searchIndex: this.index });
    const plain = await startImapServer({ ...common, store });
    this.#servers = [indexed, plain];
    const login = { user: USER, password: PASSWORD, mailbox: "INBOX" };
    this.indexed = await RawImap.open(indexed.address, login);
    this.plain = await RawImap.open(plain.address, login);
  }

  #counted(store: MailStore): MailStore {
    const bodies: MailStore["bodies"] = (ranges, room) => {
      this.looks += ranges.length;
      return store.bodies(ranges, room);
    };
    return new Proxy(store, {
      get(_, name) {
        const value: unknown = Reflect.get(store, name);
        if (name === "bodies") return bodies;
        return typeof value === "function" ? value.bind(store) : value;
      },
    });
  }

  async append(...mails: readonly Buffer[]): Promise<void> {
    const inbox = await this.store.mailbox(this.account.id, "INBOX");
    for (const mail of mails) {
      const message = await this.store.stage(oneOf(mail), { bytesMax: 2 ** 30 });
      await this.store.append([{ account: this.account.id, mailbox: inbox?.id as never, message }]);
    }
    for (const client of [this.indexed, this.plain]) await client.ok("NOOP");
  }

  /** Has the indexer stand still. */
  closeGate(): void {
    this.#gate = new Promise((opened) => (this.openGate = opened));
  }

  /** Asks both; they must agree. */
  async search(keys: string): Promise<readonly number[]> {
    const [found, right] = await Promise.all(
      [this.indexed, this.plain].map((client) => client.ok(`UID SEARCH ${keys}`)),
    );
    const numbers = (answer: readonly string[] | undefined): string[] =>
      (answer ?? []).filter((line) => line.startsWith("* SEARCH"));
    expect({ keys, found: numbers(found) }).toEqual({ keys, found: numbers(right) });
    return (numbers(right)[0] ?? "").split(" ").slice(2).map(Number);
  }

  /** Has the mailbox indexed, and waits for it. */
  async build(): Promise<void> {
    await this.search("TEXT anything");
    await within(this.index.caughtUp(), "the index");
  }

  async close(): Promise<void> {
    this.openGate();
    for (const client of [this.indexed, this.plain]) client.close();
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.index.close();
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

let open: Pair | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});
async function startPair(limits: Partial<SearchIndexLimits> = {}, scannedMessagesMax = 0): Promise<Pair> {
  return (open = await Pair.start(limits, scannedMessagesMax));
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

type Random = () => number;

const WORDS = [
  ..."zanzibar report Quarterly ab a bc invoice re: STRASSE straße Äpfel a\u0308pfel 漢字仮名 これは ΣΊΣΥΦΟΣ σίσυφος ﬁnance".split(
    " ",
  ),
  ..."\ufeffmark \u0301accent İstanbul n\u0303 x=y --==-- 2026-11-26".split(" "),
];

const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

function wordsOf(random: Random, count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += `${pick(random, WORDS)}${pick(random, [" ", " ", "  ", "\r\n", "\t", ""])}`;
  return text;
}

function encodedBody(random: Random, text: string): { readonly head: string; readonly body: Buffer } {
  const charset = pick(random, [
    "utf-8",
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "utf-16le",
    "iso-2022-jp",
    "gb18030",
    "x-unknown",
    "",
  ]);
  const octets =
    charset === "utf-16le"
      ? Buffer.from(text, "utf16le")
      : charset === "iso-8859-1" || random() < 0.2
        ? Buffer.from(text, "latin1")
        : charset === "iso-2022-jp"
          ? Buffer.concat([Buffer.from("\x1b$B$3$l\x1b(B ", "latin1"), Buffer.from(text)])
          : Buffer.from(text);
  const encoding = pick(random, ["8bit", "base64", "quoted-printable"]);
  const body =
    encoding === "base64"
      ? Buffer.from(octets.toString("base64").replace(/.{76}/g, "$&\r\n"))
      : encoding === "8bit"
        ? octets
        : Buffer.from(
            octets
              .toString("latin1")
              .replace(/[^\r\n -<>-~]/g, (char) => `=${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`)
              .replace(/(.{70})/g, "$1=\r\n"),
          );
  const label = charset === "" ? "" : `; charset="${charset}"`;
  return { head: `Content-Type: text/plain${label}\r\nContent-Transfer-Encoding: ${encoding}\r\n`, body };
}

function headerText(random: Random): string {
  const text = wordsOf(random, 4).replaceAll(/[\r\n]+/g, "");
  if (random() < 0.5) return text.replaceAll(" ", pick(random, [" ", "\r\n ", "\r\n\t"]));
  return `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;
}

function randomMail(random: Random, depth = 0): Buffer {
  const head =
    `From: ${headerText(random)} <${pick(random, ["ann", "bob"])}@example.net>\r\nTo: b@example.org\r\n` +
    `Subject: ${headerText(random)}\r\nX-Odd: ${headerText(random)}\r\nMessage-ID: <${random()}@x>\r\n`;
  const kind = random();
  if (kind < 0.6 || depth > 1) {
    const part = encodedBody(random, wordsOf(random, pick(random, [0, 3, 20, 200])));
    return Buffer.concat([Buffer.from(`${head}${part.head}\r\n`), part.body]);
  }
  const parts = Array.from({ length: 2 }, () => {
    if (random() < 0.3) {
      return Buffer.concat([Buffer.from("Content-Type: message/rfc822\r\n\r\n"), randomMail(random, depth + 1)]);
    }
    const part = encodedBody(random, wordsOf(random, 20));
    return Buffer.concat([Buffer.from(`${part.head}\r\n`), part.body]);
  });
  const pieces = parts.flatMap((part) => [Buffer.from(`--b${depth}\r\n`), part, Buffer.from("\r\n")]);
  const type = `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head + type), ...pieces, Buffer.from(`--b${depth}--\r\n`)]);
}

function literal(text: string): string {
  const octets = Buffer.from(text);
  return `{${octets.length}+}\r\n${octets.toString("latin1")}`;
}

/** A text that is cut out of some mail's words, so that it is found often. */
function needleOf(random: Random): string {
  const text = wordsOf(random, 3);
  const start = Math.floor(random() * text.length);
  return text.slice(start, start + 1 + Math.floor(random() * 12)) || "a";
}

function randomKey(random: Random, depth = 0): string {
  const text = literal(needleOf(random));
  const kind = Math.floor(random() * (depth > 1 ? 5 : 9));
  if (kind < 2) return `TEXT ${text}`;
  if (kind === 2) return `BODY ${text}`;
  if (kind === 3) return `${pick(random, ["SUBJECT", "FROM", "TO", "CC"])} ${text}`;
  if (kind === 4) return `HEADER ${pick(random, ["X-Odd", "Subject", "Message-ID"])} ${text}`;
  if (kind === 5) return `NOT ${randomKey(random, depth + 1)}`;
  if (kind === 6) return `OR ${randomKey(random, depth + 1)} ${randomKey(random, depth + 1)}`;
  if (kind === 7) return `(${randomKey(random, depth + 1)} ${randomKey(random, depth + 1)})`;
  return `(UNSEEN ${randomKey(random, depth + 1)})`;
}

function randomMails(random: Random, count: number): Buffer[] {
  return Array.from({ length: count }, () => randomMail(random));
}

describe("the search index", () => {
  it("gives the answers of a search that looks at all, before, while and after the mailbox is indexed", async () => {
    const random = seededRandom(testSeed());
    const pair = await startPair();
    await pair.append(...randomMails(random, MESSAGES));
    for (let i = 0; i < QUERIES; i++) {
      await pair.search(randomKey(random));
      if (i === 20) await within(pair.index.caughtUp(), "the index");
      if (i % 10 === 0) await pair.append(...randomMails(random, 2));
    }
    await within(pair.index.caughtUp(), "the index");
    expect(pair.index.status).toEqual({ mailboxes: 1, behind: 0 });
    for (let i = 0; i < QUERIES; i++) await pair.search(randomKey(random));
    expect(pair.warnings).toEqual([]);
  });

  it("spares a search what cannot have the text, and nothing else", async () => {
    const pair = await startPair();
    const mails = ["a letter on zanzibar", "a report", "gr\u00fc\u00dfe", "an invoice"].map((text, i) =>
      Buffer.from(`Subject: mail ${i}\r\nX-Odd: ${["alpha", "bravo", "charlie", "delta"][i]}\r\n\r\n${text}\r\n`),
    );
    await pair.append(...mails);
    await pair.build();
    const looked = async (keys: string): Promise<[readonly number[], number]> => {
      pair.looks = 0;
      const found = await pair.search(keys);
      return [found, pair.looks];
    };
    expect(await looked("TEXT zanzibar")).toEqual([[1], 1]);
    expect(await looked("BODY REPORT")).toEqual([[2], 1]);
    expect(await looked(`BODY ${literal("GR\u00dc\u00dfE")}`)).toEqual([[3], 1]);
    expect(await looked("NOT TEXT zanzibar")).toEqual([[2, 3, 4], 1]);
    expect(await looked("OR TEXT zanzibar TEXT invoice")).toEqual([[1, 4], 2]);
    expect(await looked(`HEADER X-Odd charlie`)).toEqual([[3], 1]);
    expect(await looked("TEXT nowhere")).toEqual([[], 0]);
    // Too short to have a gram.
    expect(await looked("TEXT zz")).toEqual([[], 4]);
    expect(await looked(`HEADER X-Odd ""`)).toEqual([[1, 2, 3, 4], 4]);
    await pair.append(Buffer.from("Subject: new\r\n\r\nzanzibar again\r\n"));
    expect((await looked("TEXT zanzibar"))[0]).toEqual([1, 5]);
  });

  it("finds a byte order mark within a text, whichever way the message is read", async () => {
    const pair = await startPair();
    // As a whole it is read in pieces, its body at once.
    const head = `Subject: mark\r\nX-Long: ${"x ".repeat(SEARCH.heldOctetsMax)}\r\nContent-Type: text/plain; charset=utf-8`;
    await pair.append(Buffer.from(`${head}\r\n\r\nfirst line\r\n\ufeffmark, in the last`));
    await pair.build();
    for (const key of ["BODY", "TEXT"]) expect(await pair.search(`${key} ${literal("\ufeffmark")}`)).toEqual([1]);
  });

  it("finds what the indexer has not come to, while it stands still", async () => {
    const pair = await startPair();
    await pair.append(Buffer.from("Subject: one\r\n\r\nzanzibar\r\n"));
    await pair.build();
    pair.closeGate();
    await pair.append(Buffer.from("Subject: two\r\n\r\nzanzibar too\r\n"));
    expect(await pair.search("TEXT zanzibar")).toEqual([1, 2]);
    expect(await pair.search("TEXT too")).toEqual([2]);
    pair.openGate();
    await within(pair.index.caughtUp(), "the index");
    expect(await pair.search("TEXT zanzibar")).toEqual([1, 2]);
  });

  it("finds nothing that was expunged, and what came in its place", async () => {
    const random = seededRandom(testSeed());
    const pair = await startPair();
    await pair.append(...randomMails(random, 30));
    await pair.build();
    await pair.plain.ok("STORE 5:20 +FLAGS.SILENT (\\Deleted)");
    await pair.plain.ok("EXPUNGE");
    await pair.append(...randomMails(random, 10));
    for (let i = 0; i < 20; i++) await pair.search(randomKey(random));
    await within(pair.index.caughtUp(), "the index");
    for (let i = 0; i < 20; i++) await pair.search(randomKey(random));
  });

  it("is not asked, and not kept, for as few messages as are looked at quickly", async () => {
    const pair = await startPair({}, 1);
    await pair.append(Buffer.from("Subject: one\r\n\r\nzanzibar\r\n"));
    expect(await pair.search("TEXT zanzibar")).toEqual([1]);
    expect(pair.index.status.mailboxes).toBe(0);
    await pair.append(Buffer.from("Subject: two\r\n\r\nzanzibar\r\n"));
    expect(await pair.search("TEXT zanzibar")).toEqual([1, 2]);
    expect(pair.index.status.mailboxes).toBe(1);
  });
});
