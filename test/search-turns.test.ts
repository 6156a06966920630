// Searches in summaries and texts, of which few work at a time: whom a search keeps waiting, and for how long.
import type { Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { StoreDamage, TaskSlots } from "@pushmail/mailstore";
import { within } from "./support/deadline.ts";
import { memoryImapOfTest, type MemoryImap, type MemoryImapOptions } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";
import { turnsOfEventLoop } from "./support/seeded-random.ts";

const SEARCH = DEFAULT_IMAP_LIMITS.search;
const MAIL = "Subject: one of many\r\n\r\nneedle\r\n";
const LARGE = `X-Straw: yes\r\n\r\n${"straw\r\n".repeat(1_000)}needle\r\n`;
const start = memoryImapOfTest();

/** Lets reads of texts pass, as many as are allowed. */
class Gate {
  /** Reads that came, whether or not they have passed. */
  asked = 0;
  #allowed = 0;
  readonly #waiting: (() => void)[] = [];

  readonly pass = (): Promise<void> => {
    const passed = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.asked++;
    this.allow(0);
    return passed;
  };

  allow(more: number): void {
    for (this.#allowed += more; this.#allowed > 0 && this.#waiting.length > 0; this.#allowed--)
      this.#waiting.shift()?.();
  }
}

/** A server with one place for searches that work on texts. */
async function startWithOne(options: MemoryImapOptions = {}): Promise<{ imap: MemoryImap; slots: TaskSlots }> {
  const slots = new TaskSlots(1);
  return { imap: await start({ ...options, searchSlots: slots }), slots };
}

/** The same with two sessions: one searches, and from the first read on nothing leaves the socket. */
async function startWithStuck() {
  const onRead = (): void => {
    const [socket] = imap.sockets as [Socket];
    if (!isStuck) socket.cork();
    isStuck = true;
  };
  let isStuck = false;
  const { imap, slots } = await startWithOne({ limits: { inProgressIntervalMs: 0 }, beforePiece: onRead });
  await imap.append(MAIL, { count: 5 });
  const [slow, other] = [await imap.open("INBOX"), await imap.open("INBOX")];
  // What it is told of the progress of the command is more than a socket holds.
  const tag = "t".repeat(20_000);
  slow.write(`${tag} SEARCH TEXT needle\r\n`);
  await seen("a client that is waited for", () => isStuck && imap.sockets[0]?.writableNeedDrain === true);
  return { imap, slots, slow, other, tag };
}

function seen(what: string, isSo: () => boolean): Promise<void> {
  const look = async (): Promise<void> => {
    while (!isSo()) await turnsOfEventLoop(1);
  };
  return within(look(), what);
}

/** A session in a mailbox of its own with some mails. */
async function openWith(imap: MemoryImap, name: string, mails: number, text = MAIL): Promise<RawImap> {
  const mailbox = await imap.store.createMailbox(imap.account.id, name);
  await imap.append(text, { count: mails, mailbox: mailbox.id });
  return imap.open(name);
}

describe("searches in texts", () => {
  it("are no more at a time than detailedSearchesMax", async () => {
    const gate = new Gate();
    const imap = await start({ limits: { search: { ...SEARCH, detailedSearchesMax: 2 } }, beforePiece: gate.pass });
    await imap.append(MAIL, { count: 5 });
    const clients: RawImap[] = [];
    for (let i = 0; i < 4; i++) clients.push(await imap.open("INBOX"));
    const found = clients.map((client) => client.ok("SEARCH TEXT needle"));
    for (let reads = 2; reads <= 4; reads++) {
      await seen("two searches that read", () => gate.asked === reads);
      // They have the summaries of these five messages, and those that wait have none.
      await turnsOfEventLoop(100);
      expect([gate.asked, imap.work.details]).toEqual([reads, 5 * reads]);
      gate.allow(1);
    }
    gate.allow(1);
    expect(await Promise.all(found)).toEqual(clients.map(() => ["* SEARCH 1 2 3 4 5"]));
    for (const client of clients) client.close();
  });

  it("take turns batch by batch, so that one of very many messages keeps out no small one", async () => {
    const gate = new Gate();
    const search = { ...SEARCH, detailedMessagesMax: 3, groupOctetsMax: 1 };
    const { imap, slots } = await startWithOne({ limits: { search }, beforePiece: gate.pass });
    const [large, small] = [await openWith(imap, "Large", 12), await openWith(imap, "Small", 3)];
    const largeFound = large.ok("SEARCH TEXT needle");
    await seen("a search that reads", () => gate.asked > 0);
    const smallFound = small.ok("SEARCH TEXT needle");
    await seen("a search that waits", () => slots.isAwaited);
    gate.allow(3 + 3);
    expect(await smallFound).toEqual(["* SEARCH 1 2 3"]);
    gate.allow(9);
    expect(await largeFound).toEqual(["* SEARCH 1 2 3 4 5 6 7 8 9 10 11 12"]);
    for (const client of [large, small]) client.close();
  });

  it("read ahead where no other search waits", async () => {
    const gate = new Gate();
    const search = { ...SEARCH, detailedMessagesMax: 1, groupOctetsMax: 1 };
    const { imap } = await startWithOne({ limits: { search }, beforePiece: gate.pass });
    await imap.append(MAIL, { count: 4 });
    const client = await imap.open("INBOX");
    const found = client.ok("SEARCH TEXT needle");
    // The next batch is read while the one before it is awaited.
    await seen("two reads", () => gate.asked === 2);
    gate.allow(4);
    expect(await found).toEqual(["* SEARCH 1 2 3 4"]);
    client.close();
  });

  it("let others work while they wait for a client that does not read", async () => {
    const { imap, slow, other, tag } = await startWithStuck();
    expect((await other.ok("SEARCH TEXT needle")).at(-1)).toBe("* SEARCH 1 2 3 4 5");
    const [socket] = imap.sockets as [Socket];
    expect(socket.writableNeedDrain).toBe(true);
    socket.uncork();
    const answer = await slow.until((response) => response.startsWith(`${tag} `), "the end of a search");
    expect(answer.at(-2)).toBe("* SEARCH 1 2 3 4 5");
    for (const client of [slow, other]) client.close();
  });

  it("let others work while they read a large message", async () => {
    const gate = new Gate();
    const { imap } = await startWithOne({
      limits: { search: { ...SEARCH, heldOctetsMax: 100 } },
      beforePiece: gate.pass,
    });
    const large = await openWith(imap, "Large", 1, LARGE);
    const small = await openWith(imap, "Small", 1);
    const largeFound = large.ok("SEARCH TEXT needle");
    await seen("a search that reads", () => gate.asked === 1);
    const smallFound = small.ok("SEARCH TEXT needle");
    await seen("another that reads", () => gate.asked === 2);
    gate.allow(100);
    expect(await Promise.all([largeFound, smallFound])).toEqual([["* SEARCH 1"], ["* SEARCH 1"]]);
    for (const client of [large, small]) client.close();
  });

  it("have a turn again behind a large message that is damaged", async () => {
    const gate = new Gate();
    const damageSecond = async (): Promise<void> => {
      const isSecond = gate.asked === 1;
      await gate.pass();
      if (isSecond) throw new StoreDamage("it does not verify", "a segment", 8);
    };
    const search = { ...SEARCH, detailedMessagesMax: 1, groupOctetsMax: 1, heldOctetsMax: 100 };
    const { imap, slots } = await startWithOne({ limits: { search }, beforePiece: damageSecond });
    await imap.append(LARGE);
    await imap.append(MAIL, { count: 2 });
    const client = await imap.open("INBOX");
    const found = client.ok("SEARCH TEXT needle");
    await seen("the reads of a small one and of the large one", () => gate.asked === 2);
    gate.allow(2);
    await seen("the read behind them", () => gate.asked === 3);
    const turn = slots.take();
    gate.allow(1);
    await turn;
    slots.giveBack();
    expect(await found).toEqual(["* NO [SERVERBUG] Damaged, and passed over: UID 1", "* SEARCH 2 3"]);
    expect(turn).toBeInstanceOf(Promise);
    client.close();
  });

  it("let others work when their client leaves amid a read", async () => {
    const gate = new Gate();
    const { imap, slots } = await startWithOne({ limits: { inProgressIntervalMs: 0 }, beforePiece: gate.pass });
    await imap.append(MAIL, { count: 5 });
    const [leaving, other] = [await imap.open("INBOX"), await imap.open("INBOX")];
    leaving.write("t1 SEARCH TEXT needle\r\n");
    await seen("a search that reads", () => gate.asked === 1);
    const found = other.ok("SEARCH TEXT needle");
    await seen("a search that waits", () => slots.isAwaited);
    await leave(imap, leaving);
    gate.allow(2);
    expect((await found).at(-1)).toBe("* SEARCH 1 2 3 4 5");
    await expectNoneLeft(imap, slots);
    other.close();
  });

  it("let others work when a read fails", async () => {
    let reads = 0;
    const failFirst = (): void => {
      if (++reads === 1) throw new Error("it cannot be read");
    };
    const { imap, slots } = await startWithOne({ beforePiece: failFirst });
    await imap.append(MAIL, { count: 5 });
    const client = await imap.open("INBOX");
    expect((await client.command("SEARCH TEXT needle")).status).toMatch(/^NO /);
    expect(slots.isAwaited).toBe(false);
    expect(await client.ok("SEARCH TEXT needle")).toEqual(["* SEARCH 1 2 3 4 5"]);
    client.close();
  });

  it("let others work when a client leaves that did not read", async () => {
    const { imap, slots, slow, other } = await startWithStuck();
    await leave(imap, slow);
    await seen("the end of its session", () => imap.server.connections === 1);
    expect((await other.ok("SEARCH TEXT needle")).at(-1)).toBe("* SEARCH 1 2 3 4 5");
    await expectNoneLeft(imap, slots);
    other.close();
  });
});

/** Whoever is the first to have connected goes. */
async function leave(imap: MemoryImap, client: RawImap): Promise<void> {
  const gone = new Promise<void>((resolve) => imap.sockets[0]?.once("close", () => resolve()));
  client.socket.resetAndDestroy();
  await within(gone, "the end of the connection");
}

async function expectNoneLeft(imap: MemoryImap, slots: TaskSlots): Promise<void> {
  await seen("the end of its session", () => imap.server.connections === 1);
  // The one place is free, and nobody gave back more than he had.
  expect([slots.take(), slots.isAwaited, imap.errors]).toEqual([undefined, false, []]);
  expect(slots.take()).toBeInstanceOf(Promise);
}
