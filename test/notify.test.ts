// A client with NOTIFY that has no other source than what it is told: whatever happens, and whatever it does meanwhile,
// it knows all mailboxes as they are, with no command of its own to ask for it.
import { afterEach, describe, expect, it } from "@jest/globals";
import { uidSetOf, type MailboxAt, type MailboxStatus } from "@pushmail/mailstore";
import type { Socket } from "node:net";
import { MemoryImap, type MemoryImapOptions } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "./support/seeded-random.ts";

const ROUNDS = 150;
const EVERYTHING =
  "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) " +
  "(personal (MessageNew MessageExpunge FlagChange MailboxName))";

let imap: MemoryImap;
let random: () => number;

afterEach(() => imap.close());

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/** Keeps how many messages each mailbox has, and which of those of the selected one are flagged. */
class ListeningClient {
  readonly counts = new Map<string, number>();
  selected: string | undefined;
  flagged: (boolean | undefined)[] = [];
  readonly #client: RawImap;
  #tags = 0;
  #selecting: string | undefined;

  constructor(client: RawImap) {
    this.#client = client;
  }

  async command(text: string): Promise<void> {
    const tag = `c${++this.#tags}`;
    this.#client.write(`${tag} ${text}\r\n`);
    const end = await this.#obeyUntil(new RegExp(`^${tag} `), `the end of ${text}`);
    if (!end.startsWith(`${tag} OK`)) throw new Error(`${text}: ${end}`);
  }

  /** IDLE while something is done; it may end before that with a fault of the server's. */
  async idleDuring(work: () => Promise<void>): Promise<void> {
    const tag = `c${++this.#tags}`;
    this.#client.write(`${tag} IDLE\r\n`);
    await this.#obeyUntil(/^\+/, "the begin of IDLE");
    await work();
    this.#client.write("DONE\r\n");
    const end = await this.#obeyUntil(new RegExp(`^${tag} (OK|NO \\[SERVERBUG\\])`), "the end of IDLE");
    // Then DONE is taken for a tag.
    if (end.startsWith(`${tag} NO`)) await this.#obeyUntil(/^DONE BAD/, "what DONE is");
  }

  async #obeyUntil(last: RegExp, what: string): Promise<string> {
    for (;;) {
      const response = await this.#client.next(what);
      this.#obey(response);
      if (last.test(response)) return response;
    }
  }

  async select(name: string): Promise<void> {
    this.#selecting = name;
    this.selected ??= name;
    await this.command(`SELECT ${name}`);
    await this.command("UID FETCH 1:* FLAGS");
  }

  async unselect(): Promise<void> {
    if (this.selected !== undefined) await this.command("UNSELECT");
    this.#leave();
  }

  /** Waits, without a word, until it knows what there is. */
  async know(what: () => Promise<object>): Promise<void> {
    for (;;) {
      const there = await what();
      try {
        expect(this.#known()).toEqual(there);
        return;
      } catch (error) {
        const told = this.#client.next("news", 5_000);
        const response = await told.catch((cause: unknown) => Promise.reject(Object.assign(error as Error, { cause })));
        this.#obey(response);
      }
    }
  }

  #known(): object {
    if (this.selected !== undefined) this.counts.set(this.selected, this.flagged.length);
    const counts = [...this.counts].filter(([, count]) => count >= 0);
    return { counts: Object.fromEntries(counts), flagged: this.flagged };
  }

  /** What it knew of the mailbox that it leaves is what STATUS would have told it. */
  #leave(): void {
    if (this.selected !== undefined) this.counts.set(this.selected, this.flagged.length);
    this.selected = undefined;
    this.flagged = [];
  }

  #obey(response: string): void {
    // RFC 7162 3.2.11: what comes before is of the mailbox that is left.
    if (response.startsWith("* OK [CLOSED]")) {
      this.#leave();
      this.selected = this.#selecting;
    }
    const [, number, what] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(response) ?? [];
    const at = Number(number);
    if (what === "EXPUNGE") this.flagged.splice(at - 1, 1);
    if (what === "EXISTS") while (this.flagged.length < at) this.flagged.push(undefined);
    if (what === "FETCH" && response.includes("FLAGS")) this.flagged[at - 1] = response.includes("\\Flagged");
    const [, name = "", messages] = /^\* STATUS (\S+) \(.*?MESSAGES (\d+)/.exec(response) ?? [];
    if (messages !== undefined) this.counts.set(name, Number(messages));
    const [, attributes, listed = "", oldName] =
      /^\* LIST \((.*?)\) "\/" (\S+)(?: \("OLDNAME" \((.*)\)\))?/.exec(response) ?? [];
    if (attributes !== undefined) this.#obeyList(attributes, listed, oldName);
  }

  #obeyList(attributes: string, name: string, oldName: string | undefined): void {
    if (oldName !== undefined) {
      this.counts.set(name, this.counts.get(oldName) ?? 0);
      this.counts.delete(oldName);
    }
    if (attributes.includes("\\NonExistent")) this.counts.delete(name);
    else if (!this.counts.has(name)) this.counts.set(name, 0);
  }
}

function mailboxes(): Promise<readonly MailboxStatus[]> {
  return imap.store.mailboxes(imap.account.id);
}

/** What the client must know. */
async function truth(selected: string | undefined): Promise<object> {
  const all = await mailboxes();
  const counts = Object.fromEntries(all.map(({ name, messages }) => [name, messages]));
  const status = all.find(({ name }) => name === selected);
  if (status === undefined) return { counts, flagged: [] };
  const handle = await imap.store.open({ account: imap.account.id, mailbox: status.id });
  const index = await handle.ready();
  const flagged = Array.from({ length: index.count }, (_, row) => index.flagsAt(row).has("\\Flagged"));
  handle.release();
  return { counts, flagged };
}

/** Something that another client does, to a mailbox or to names that nobody has selected. */
async function change(selected: string | undefined): Promise<void> {
  const { store, account } = imap;
  const all = await mailboxes();
  const { id: mailbox } = pick(all);
  const at = { account: account.id, mailbox };
  const spare = all.filter(({ name }) => name.startsWith("Spare") && name !== selected);
  const handle = await store.open(at);
  const index = await handle.ready();
  const uids = uidSetOf(index.uids.slice(0, index.count).filter(() => random() < 0.4));
  handle.release();
  const what = random();
  if (what < 0.4) await imap.append("Subject: new\r\n\r\n", { mailbox, count: 1 + Math.floor(random() * 3) });
  else if (what < 0.6) {
    await store.setFlags(at, uids, { mode: pick(["add", "remove"]), flags: ["\\Flagged"] });
  } else if (what < 0.75) {
    await store.setFlags(at, uids, { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(at);
  } else if (what < 0.85) {
    await store.move(at, uids, { ...at, mailbox: pick(all.filter(({ id }) => id !== mailbox)).id });
  } else if (what < 0.9) await store.createMailbox(account.id, `Spare${Math.floor(random() * 1e9)}`);
  else if (spare.length > 0 && what < 0.95) await store.deleteMailbox(account.id, pick(spare).name);
  else if (spare.length > 0)
    await store.renameMailbox(account.id, pick(spare).name, `Spare${Math.floor(random() * 1e9)}`);
}

async function act(client: ListeningClient): Promise<void> {
  const what = random();
  if (what < 0.3) await client.select(pick((await mailboxes()).filter(({ name }) => !name.startsWith("Spare"))).name);
  else if (what < 0.4) await client.unselect();
  else if (what < 0.5) await client.command("NOOP");
  // Once more, without asking how things are.
  else if (what < 0.6) await client.command(EVERYTHING.replace("STATUS ", ""));
  else if (client.selected !== undefined) await client.command("UID FETCH 1:* FLAGS");
}

describe("a client with NOTIFY", () => {
  it.each<[string, MemoryImapOptions]>([
    ["told from the records", {}],
    ["one record at a time", { limits: { changeRecordsMax: 1 } }],
  ])("knows all mailboxes without asking, %s", async (_, options) => {
    random = seededRandom(testSeed());
    imap = await MemoryImap.start(options);
    const client = new ListeningClient(await imap.open());
    await client.command(EVERYTHING);
    for (let round = 0; round < ROUNDS; round++) {
      const acting = random() < 0.6 ? act(client) : Promise.resolve();
      for (let changes = Math.floor(random() * 4); changes > 0; changes--) {
        await change(client.selected);
        await turnsOfEventLoop(Math.floor(random() * 4));
      }
      await acting;
      await client.know(() => truth(client.selected));
    }
    expect(imap.errors).toEqual([]);
  });

  it("knows all of them with its next command where something could not be read in IDLE", async () => {
    random = seededRandom(testSeed());
    let failures = 0;
    const failOnce =
      <Asked extends unknown[], Result>(read: (...asked: Asked) => Promise<Result>) =>
      async (...asked: Asked): Promise<Result> => {
        if (failures === 0 || random() < 0.7) return read(...asked);
        failures--;
        throw new Error("unreadable");
      };
    imap = await MemoryImap.start({
      limits: { changeRecordsMax: 2 },
      storeLimits: { recentRecordsMax: 1 },
      inPlace: (store) => ({
        changes: failOnce(store.changes.bind(store)),
        mailboxAt: failOnce(store.mailboxAt.bind(store)),
        mailbox: failOnce(store.mailbox.bind(store)),
        subscriptions: failOnce(store.subscriptions.bind(store)),
      }),
    });
    const client = new ListeningClient(await imap.open());
    await client.command(EVERYTHING);
    for (let round = 0; round < ROUNDS / 3; round++) {
      await act(client);
      await client.idleDuring(async () => {
        failures = 1;
        for (let changes = Math.floor(random() * 4); changes > 0; changes--) {
          await change(client.selected);
          await turnsOfEventLoop(Math.floor(random() * 4));
        }
        await turnsOfEventLoop(10);
        failures = 0;
      });
      await client.know(() => truth(client.selected));
    }
    expect(imap.errors.length).toBeGreaterThan(5);
  });

  it("that does not read for a while is told how things are once it reads again, or that it was too much", async () => {
    random = seededRandom(testSeed());
    imap = await MemoryImap.start({ limits: { notifyRecordsMax: 100 } });
    await imap.append("Subject: one of many\r\n\r\n", { count: 20_000 });
    for (const [changes, expected] of [
      [5, "* STATUS Trash (MESSAGES 5 UIDNEXT 6 UNSEEN 5)"],
      [101, "* OK [NOTIFICATIONOVERFLOW] Too much has changed to be told"],
    ] as const) {
      const client = await imap.open("INBOX");
      const { id: inbox } = (await mailboxes()).find(({ name }) => name === "INBOX") as MailboxStatus;
      const { id: trash } = (await mailboxes()).find(({ name }) => name === "Trash") as MailboxStatus;
      await client.ok(EVERYTHING);
      const socket = imap.sockets.at(-1) as Socket;
      client.socket.pause();
      for (let round = 0; !socket.writableNeedDrain; round++) {
        const mode = round % 2 === 0 ? "add" : "remove";
        const at = { account: imap.account.id, mailbox: inbox };
        await imap.store.setFlags(at, [[1, 20_000]], { mode, flags: ["$Changed"] });
        await turnsOfEventLoop(100);
      }
      for (let i = 0; i < changes; i++) await imap.append("Subject: elsewhere\r\n\r\n", { mailbox: trash });
      client.socket.resume();
      await client.until((response) => response === expected, expected);
      client.close();
    }
  });

  it.each([
    ["NOTIFY", 'NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))'],
    ["METADATA", "ENABLE METADATA"],
  ])("asks none of those who share something but who has news, by %s", async (_, command) => {
    const asked: number[] = [];
    let lists = 0;
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        changes: (account, ...rest) => {
          asked.push(account);
          return store.changes(account, ...rest);
        },
        sharersWith: (account) => {
          lists++;
          return store.sharersWith(account);
        },
      }),
    });
    const { store, account: client } = imap;
    const share = async (name: string): Promise<MailboxAt> => {
      const owner = await store.createAccount({ address: `${name}@example.org`, password: "x" });
      const [inbox] = await store.mailboxes(owner.id);
      const at = { account: owner.id, mailbox: (inbox as MailboxStatus).id };
      await store.setRights(at, { identifier: client.address, mode: "replace", rights: "lrw" });
      return at;
    };
    const shared: MailboxAt[] = [];
    for (let i = 0; i < 10; i++) shared.push(await share(`sharer${i}`));
    const session = await imap.open();
    await session.ok(command);
    await session.ok("NOOP");
    [asked.length, lists] = [0, 0];
    const [one] = shared.splice(3, 1) as [MailboxAt];
    const value = Buffer.from("news");
    await store.setMetadata(one.account, one.mailbox, [{ name: "/shared/comment", value }]);
    await imap.append("Subject: news\r\n\r\n", one);
    const news = await session.ok("NOOP");
    expect(news.join()).toContain('"Other Users/sharer3@example.org/INBOX"');
    await session.ok("NOOP");
    expect({ asked: new Set(asked), lists }).toEqual({ asked: new Set([one.account]), lists: 0 });
    // Who begins to share something is not missed.
    const another = await share("another");
    await session.ok("NOOP");
    await store.setMetadata(another.account, another.mailbox, [{ name: "/shared/comment", value }]);
    await imap.append("Subject: news\r\n\r\n", another);
    expect((await session.ok("NOOP")).join()).toContain('"Other Users/another@example.org/INBOX"');
  });

  it.each([
    ["NOTIFY SET (personal (MailboxMetadataChange))", "changes"],
    ["NOTIFY SET (personal (MailboxMetadataChange))", "mailboxAt"],
    ["ENABLE METADATA", "changes"],
    ["ENABLE METADATA", "mailboxAt"],
  ] as const)("that said %s is told later of what could not be read at first: %s", async (command, failing) => {
    let isFailing = false;
    const failOnce = async <Result>(read: () => Promise<Result>): Promise<Result> => {
      if (!isFailing) return read();
      isFailing = false;
      throw new Error("unreadable");
    };
    imap = await MemoryImap.start({
      inPlace: (store) =>
        failing === "changes"
          ? { changes: (...asked) => failOnce(() => store.changes(...asked)) }
          : { mailboxAt: (at) => failOnce(() => store.mailboxAt(at)) },
    });
    const { store, account } = imap;
    const trash = (await store.mailbox(account.id, "Trash")) as MailboxStatus;
    const client = await imap.open();
    await client.ok(command);
    await client.idle();
    isFailing = true;
    await store.setMetadata(account.id, trash.id, [{ name: "/shared/comment", value: Buffer.from("news") }]);
    const told = await client.until((response) => response.includes("[SERVERBUG]"), "the end of IDLE");
    expect([...told, ...(await client.ok("NOOP"))].join("\n")).toContain("METADATA Trash /shared/comment");
  });

  it.each(["cursor", "mailboxAt"] as const)("is told of what happens while the server waits for %s", async (method) => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const during = async <Result>(result: Promise<Result>): Promise<Result> => {
      const read = await result;
      const happen = meanwhile;
      meanwhile = undefined;
      await happen?.();
      return read;
    };
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        cursor: (account) => (method === "cursor" ? during(store.cursor(account)) : store.cursor(account)),
        mailboxAt: (at) => (method === "mailboxAt" ? during(store.mailboxAt(at)) : store.mailboxAt(at)),
      }),
    });
    const { id: trash } = (await imap.store.mailbox(imap.account.id, "Trash")) as MailboxStatus;
    const { id: archive } = (await imap.store.mailbox(imap.account.id, "Archive")) as MailboxStatus;
    const append = (mailbox: MailboxStatus["id"]): Promise<unknown> => imap.append("Subject: x\r\n\r\n", { mailbox });
    const client = await imap.open("INBOX");
    if (method === "mailboxAt") await client.ok(EVERYTHING);
    meanwhile = () => append(trash);
    // How they are at first is not asked for.
    if (method === "cursor") client.write("n1 NOTIFY SET (personal (MessageNew MessageExpunge))\r\n");
    else await append(archive);
    await client.until((response) => response.startsWith("* STATUS Trash (MESSAGES 1 "), "what happened meanwhile");
  });

  it("is told of flags where the text of a mail that came with them cannot be read", async () => {
    let isFailing = false;
    const wakes = new Set<() => void>();
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        bodies: (...asked) => (isFailing ? Promise.reject(new Error("unreadable")) : store.bodies(...asked)),
        // Once for all that has happened.
        watch(_, wake) {
          wakes.add(wake);
          return () => wakes.delete(wake);
        },
      }),
    });
    const { store, account } = imap;
    const text = "Subject: x\r\n\r\nx\r\n";
    await imap.append(text);
    const { id } = (await store.mailbox(account.id, "INBOX")) as MailboxStatus;
    const client = await imap.open("INBOX");
    await client.ok("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[TEXT]) MessageExpunge FlagChange))");
    await client.idle();
    isFailing = true;
    await imap.append(text);
    await store.setFlags({ account: account.id, mailbox: id }, [[1, 1]], { mode: "add", flags: ["\\Flagged"] });
    for (const wake of wakes) wake();
    const told = await client.until((response) => response.includes("[SERVERBUG]"), "the end of IDLE");
    isFailing = false;
    expect([...told, ...(await client.ok("NOOP"))]).toContainEqual(expect.stringContaining("FLAGS (\\Flagged"));
  });

  it("that could not be told of metadata has not enabled it, and can do so again", async () => {
    let isFailing = true;
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        cursor: (account) => (isFailing ? Promise.reject(new Error("unreadable")) : store.cursor(account)),
      }),
    });
    const { store, account } = imap;
    const client = await imap.open();
    const failed = await client.command("ENABLE METADATA");
    expect(failed).toMatchObject({ status: expect.stringMatching(/^NO \[SERVERBUG\]/), untagged: [] });
    isFailing = false;
    expect(await client.ok("ENABLE METADATA")).toEqual(["* ENABLED METADATA"]);
    await store.setMetadata(account.id, null, [{ name: "/private/comment", value: Buffer.from("news") }]);
    expect((await client.ok("NOOP")).join()).toContain('METADATA "" /private/comment');
  });

  it("is told further what it asked for where another NOTIFY fails", async () => {
    let isFailing = false;
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        cursor: (account) => (isFailing ? Promise.reject(new Error("unreadable")) : store.cursor(account)),
      }),
    });
    const { store, account } = imap;
    const owner = await store.createAccount({ address: "owner@example.org", password: "x" });
    const [shared] = await store.mailboxes(owner.id);
    const at = { account: owner.id, mailbox: (shared as MailboxStatus).id };
    await store.setRights(at, { identifier: account.address, mode: "replace", rights: "lr" });
    const client = await imap.open();
    await client.ok("NOTIFY SET (personal (MessageNew MessageExpunge))");
    isFailing = true;
    const failed = await client.command('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge))');
    expect(failed.status).toMatch(/^NO \[SERVERBUG\]/);
    await imap.append("Subject: news\r\n\r\n");
    expect(await client.next()).toBe("* STATUS INBOX (MESSAGES 1 UIDNEXT 2)");
    client.close();
  });

  it("leaves no watch behind, be it that the store fails in the midst of its command", async () => {
    let watches = 0;
    let isFailing = true;
    imap = await MemoryImap.start({
      inPlace: (store) => ({
        watch: (account, wake) => {
          const stop = store.watch(account, wake);
          watches++;
          return () => {
            watches--;
            stop();
          };
        },
        cursor: (account) => (isFailing ? Promise.reject(new Error("unreadable")) : store.cursor(account)),
      }),
    });
    const client = await imap.open("INBOX");
    expect((await client.command(EVERYTHING)).status).toMatch(/^NO \[SERVERBUG\]/);
    expect(watches).toBe(0);
    isFailing = false;
    await client.ok(EVERYTHING);
    expect(watches).toBe(1);
    await client.ok("NOTIFY NONE");
    expect(watches).toBe(0);
  });
});
