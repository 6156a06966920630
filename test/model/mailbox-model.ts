// The model: several clients on shared mailboxes, whose commands are under way at the same time. Each step is drawn from
// the seed and its own number, so that a run can be had again whatever the clients happened to know.
import { expect } from "@jest/globals";
import type { MemoryImap } from "../support/memory-imap.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { Draw } from "../support/draw.ts";
import { seededRandom, turnsOfEventLoop } from "../support/seeded-random.ts";
import { drawCommand, drawName, NAMES } from "./draw-command.ts";
import { inOrder } from "./mailbox-copy.ts";
import { ModelClient, SessionEnded, type ClientKind } from "./model-client.ts";

const KINDS: readonly ClientKind[] = [
  { name: "plain" },
  { name: "plain with a live search, deflated", live: true, deflate: true },
  { name: "qresync", qresync: true },
  { name: "qresync with a live search", qresync: true, live: true },
  { name: "notify with a live search", notify: "selected", live: true },
  { name: "delayed, rev2", notify: "selected-delayed", rev2: true },
  { name: "notify with qresync, deflated", notify: "selected", qresync: true, deflate: true },
  { name: "rev2 with qresync, deflated", rev2: true, qresync: true, deflate: true },
  { name: "uids only with a live search", uidOnly: true, live: true },
  { name: "uids only with qresync", uidOnly: true, qresync: true },
];
/** Lines that a failure shows. */
const TRACE_LINES = 200;
const CUT_COMMANDS = [
  "NOOP",
  "UID FETCH 1:* (FLAGS MODSEQ)",
  "UID STORE 1:* +FLAGS ($Mine)",
  "UID STORE 1:* -FLAGS ($Mine)",
  // What holds VANISHED back, and tells a MODSEQ above its own.
  "STORE 1:* +FLAGS (\\Answered)",
  "STORE 1:* -FLAGS (\\Answered)",
  "EXPUNGE",
];

function cutCommand({ kind }: ModelClient, draw: Draw): string {
  const text = draw.of(CUT_COMMANDS);
  return kind.uidOnly === true && text.startsWith("STORE") ? `UID ${text}` : text;
}

export class MailboxModel {
  /** How often each command was carried out, and how often a copy was compared. */
  readonly done = new Map<string, number>();
  readonly #seed: number;
  readonly #imap: MemoryImap;
  readonly #observer: RawImap;
  readonly #clients: readonly ModelClient[];
  readonly #trace: string[] = [];
  #step = 0;

  private constructor(seed: number, imap: MemoryImap, observer: RawImap) {
    this.#seed = seed;
    this.#imap = imap;
    this.#observer = observer;
    this.#clients = KINDS.map((kind) => new ModelClient(kind, imap, (line) => this.#note(line)));
  }

  static async start(seed: number, imap: MemoryImap): Promise<MailboxModel> {
    const model = new MailboxModel(seed, imap, await imap.open());
    for (const client of model.#clients) await client.connect();
    for (const name of NAMES.slice(1)) await model.#observer.ok(`CREATE ${name}`);
    return model;
  }

  async run(steps: number): Promise<void> {
    try {
      for (this.#step = 1; this.#step <= steps; this.#step++) await this.#takeStep();
      for (const client of this.#clients) await this.#checkNow(client);
    } catch (cause) {
      const told = `seed ${this.#seed}, step ${this.#step}: ${(cause as Error).message}`;
      throw new Error(`${told}\n${this.#trace.slice(-TRACE_LINES).join("\n")}`, { cause });
    }
  }

  async #takeStep(): Promise<void> {
    const draw = new Draw(seededRandom(Math.imul(this.#seed, 0x9e3779b1) ^ this.#step));
    const client = draw.of(this.#clients);
    this.#note(`step ${this.#step}`);
    await this.#ended(client);
    if (draw.chance(0.05)) await this.#cutOff(client, draw);
    else if (client.isIdling) await this.#checkNow(client);
    else if (client.copy === undefined || draw.chance(0.05)) this.#start(client, () => this.#select(client, draw));
    else if (draw.chance(0.06)) await this.#checkNow(client);
    else if (draw.chance(0.11)) this.#start(client, () => client.idle(), "IDLE");
    else if (draw.chance(0.1)) this.#start(client, () => client.learn());
    else if (draw.chance(0.02)) this.#start(client, () => client.leave(draw.of(["CLOSE", "UNSELECT"])));
    else this.#start(client, () => this.#command(client, draw));
    await turnsOfEventLoop(draw.below(5));
  }

  #start(client: ModelClient, work: () => Promise<void>, name?: string): void {
    client.start(work);
    if (name !== undefined) this.#count(name);
  }

  async #command(client: ModelClient, draw: Draw): Promise<void> {
    const sent = drawCommand(draw, client);
    const status = await client.command(sent);
    if (status.startsWith("OK")) this.#count(/^(UID )?\w+/.exec(sent.text)?.[0] ?? "");
    // A client that is told of nothing but EXISTS may be told of a change to what it does not know.
    if (draw.chance(0.3)) await client.learn();
  }

  async #select(client: ModelClient, draw: Draw): Promise<void> {
    const command = draw.chance(0.15) ? "EXAMINE" : "SELECT";
    // RFC 7162 3.2.5.2: the client may say which number one of its messages had.
    await client.select(command, drawName(draw), (uids) => {
      const at = draw.below(uids.length);
      return draw.chance(0.5) && uids.length > 0 ? ` 1:4294967295 (${at + 1} ${uids[at]})` : "";
    });
    this.#count(command);
  }

  async #cutOff(client: ModelClient, draw: Draw): Promise<void> {
    const commands =
      client.isIdling || client.copy === undefined || client.isReadOnly
        ? []
        : [{ text: cutCommand(client, draw) }, { text: cutCommand(client, draw) }];
    await this.#surviving(client, client.copy?.uidValidity, async () => {
      await client.cutOff(commands, { answers: draw.below(commands.length + 1), turns: draw.below(4) });
      this.#count("cut off");
      await client.connect();
    });
    this.#start(client, () => this.#select(client, draw));
  }

  /** Waits for what a client has begun; one whose mailbox was deleted comes back. */
  async #ended(client: ModelClient): Promise<void> {
    const { copy } = client;
    await this.#surviving(client, copy?.uidValidity, () => client.ended());
  }

  async #surviving(client: ModelClient, uidValidity: number | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof SessionEnded) || error.message !== "The mailbox was deleted") throw error;
      const all = await this.#imap.store.mailboxes(this.#imap.account.id);
      if (all.some((mailbox) => mailbox.uidValidity === uidValidity)) throw error;
      client.close();
      await client.connect();
      this.#count("mailbox deleted");
    }
  }

  /** When all commands have ended, a client's copy must be what somebody finds who looks for the first time. */
  async #checkNow(client: ModelClient): Promise<void> {
    for (const each of this.#clients) await this.#ended(each);
    await this.#surviving(client, client.copy?.uidValidity, async () => {
      await (client.isIdling ? client.done() : client.command({ text: "NOOP" }));
      await this.#compare(client);
    });
  }

  async #compare(client: ModelClient): Promise<void> {
    const { copy, kind } = client;
    if (copy === undefined) return;
    // That its mailbox was deleted is said behind the answer: the next one never comes.
    const all = await this.#imap.store.mailboxes(this.#imap.account.id);
    if (!all.some(({ uidValidity }) => uidValidity === copy.uidValidity)) await client.command({ text: "NOOP" });
    const fresh = await this.#fresh(copy.uidValidity);
    expect(client.owed(fresh.map(([uid]) => uid))).toEqual([]);
    await client.learn();
    const known = copy.uids.map((uid) => {
      const { flags, modSeq } = copy.messages.get(uid) ?? { flags: "unknown", modSeq: 0 };
      return [uid, flags, kind.qresync === true ? modSeq : 0];
    });
    const there = fresh.map(([uid, flags, modSeq]) => [uid, flags, kind.qresync === true ? modSeq : 0]);
    const unread = fresh.flatMap(([uid, flags]) => (/\\(Seen|Deleted)/.test(flags) ? [] : [uid]));
    if (copy.found !== undefined) expect([...copy.found].sort((a, b) => a - b)).toEqual(unread);
    expect({ client: kind.name, messages: known }).toEqual({ client: kind.name, messages: there });
    this.#count("compared");
  }

  /** What SELECT and FETCH tell somebody new of the mailbox, whatever its name is by now. */
  async #fresh(uidValidity: number): Promise<readonly (readonly [uid: number, flags: string, modSeq: number])[]> {
    const all = await this.#imap.store.mailboxes(this.#imap.account.id);
    const name = all.find((mailbox) => mailbox.uidValidity === uidValidity)?.name;
    if (name === undefined) throw new Error(`no mailbox has the UIDVALIDITY ${uidValidity}`);
    const told = await this.#observer.ok(`EXAMINE ${name}`);
    if (!told.join().includes(`[UIDVALIDITY ${uidValidity}]`)) throw new Error(`${name} is another mailbox`);
    const fetched = await this.#observer.ok("UID FETCH 1:* (UID FLAGS MODSEQ)");
    return fetched.flatMap((line) => {
      const [, uid, flags = "", modSeq] = /FETCH \(UID (\d+) FLAGS \((.*)\) MODSEQ \((\d+)\)/.exec(line) ?? [];
      return uid === undefined ? [] : [[Number(uid), inOrder(flags.split(" ")), Number(modSeq)] as const];
    });
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }

  #note(line: string): void {
    this.#trace.push(line);
    if (this.#trace.length > 2 * TRACE_LINES) this.#trace.splice(0, TRACE_LINES);
  }
}
