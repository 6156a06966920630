// One session of the model: it sends commands, keeps a copy of its mailbox from what it is told, and comes back after
// it was cut off.
import type { MemoryImap } from "../support/memory-imap.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { turnsOfEventLoop } from "../support/seeded-random.ts";
import { MailboxCopy, uidsIn, type Asked } from "./mailbox-copy.ts";

export interface ClientKind {
  readonly name: string;
  readonly qresync?: boolean;
  /** Whether it enables IMAP4rev2. */
  readonly rev2?: boolean;
  readonly deflate?: boolean;
  /** Whether it enables UIDONLY. */
  readonly uidOnly?: boolean;
  /** How NOTIFY tells of the selected mailbox. */
  readonly notify?: "selected" | "selected-delayed";
  /** Whether it has a search followed in each mailbox that it selects. */
  readonly live?: boolean;
}

export interface Sent extends Asked {
  readonly text: string;
  /** The messages meant, by UID. */
  readonly uids?: readonly number[];
}

/** The server has ended a session, for the reason that it gave. */
export class SessionEnded extends Error {}

/** What two sessions may do to each other, and nothing else; MODIFIED where others are expunged (RFC 7162 3.1.3). */
const REFUSALS = /^NO \[(EXPUNGEISSUED|TRYCREATE|NONEXISTENT|ALREADYEXISTS|CANNOT|MODIFIED [\d:,]+)\]/;
/** What nobody is told who has enabled IMAP4rev2 (RFC 9051 E). */
const REV1 = /^\* (\d+ RECENT|SEARCH|OK \[UNSEEN)|\\Recent/;
const EVENTS = "MessageNew (UID FLAGS) MessageExpunge FlagChange";

export class ModelClient {
  readonly kind: ClientKind;
  copy: MailboxCopy | undefined;
  isReadOnly = false;
  isIdling = false;
  readonly #imap: MemoryImap;
  readonly #trace: (line: string) => void;
  #session: RawImap | undefined;
  #running: Promise<void> | undefined;
  #tags = 0;
  /** The copy that SELECT makes, until the mailbox before it is closed. */
  #opening: MailboxCopy | undefined;
  /** What a client with QRESYNC remembers of the mailboxes by their names. */
  readonly #remembered = new Map<string, MailboxCopy>();
  #selected = "";
  /** `UIDVALIDITY UID` of what this client itself has made, of which NOTIFY tells EXISTS alone (RFC 5465 5). */
  readonly #made = new Set<string>();
  /** What was sent and not answered, the oldest first. */
  #underWay: Sent[] = [];

  constructor(kind: ClientKind, imap: MemoryImap, trace: (line: string) => void) {
    this.kind = kind;
    this.#imap = imap;
    this.#trace = trace;
  }

  /** Whether no number may be used: EXPUNGE may come at any time, or there are none. */
  get meansUids(): boolean {
    return this.kind.notify !== undefined || this.kind.uidOnly === true;
  }

  /** What it asks for of a message. */
  get flagItems(): string {
    return this.kind.qresync === true ? "(FLAGS MODSEQ)" : "(FLAGS)";
  }

  /** Begins something, which goes on while others do other things. */
  start(work: () => Promise<void>): void {
    const running = work();
    // What it fails with, `ended` says.
    running.catch(() => undefined);
    this.#running = running;
  }

  /** Waits for what was begun. */
  async ended(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running;
  }

  async connect(): Promise<void> {
    this.#session = await this.#imap.open();
    const { qresync, rev2, deflate, notify, uidOnly } = this.kind;
    this.#underWay = [];
    if (deflate === true) await this.#session.compress();
    if (rev2 === true) await this.command({ text: "ENABLE IMAP4rev2" });
    if (qresync === true) await this.command({ text: "ENABLE QRESYNC" });
    if (uidOnly === true) await this.command({ text: "ENABLE UIDONLY" });
    if (notify !== undefined) await this.command({ text: `NOTIFY SET (${notify} (${EVENTS}))` });
  }

  /** Selects a mailbox, which a client with QRESYNC may know, and learns what is new to it. */
  async select(
    command: "SELECT" | "EXAMINE",
    name: string,
    matches: (uids: readonly number[]) => string,
  ): Promise<void> {
    this.#remember();
    const known = this.#remembered.get(name);
    this.#remembered.delete(name);
    const { qresync, uidOnly } = this.kind;
    this.#opening = known ?? new MailboxCopy({ tellsModSeq: qresync === true, isByUid: uidOnly === true });
    // RFC 9586 3.7
    const match = uidOnly === true ? "" : matches([...this.#opening.messages.keys()].sort((a, b) => a - b));
    const resume = known === undefined ? "" : ` (QRESYNC (${known.uidValidity} ${known.modSeq}${match}))`;
    this.copy ??= this.#opening;
    const status = await this.command({ text: `${command} ${name}${resume}` });
    this.#opening = undefined;
    if (status.startsWith("NO")) return this.#leave();
    this.#selected = name;
    this.isReadOnly = command === "EXAMINE";
    this.copy?.numberKnown();
    if (this.kind.live === true) await this.command({ text: "UID SEARCH RETURN (UPDATE ALL) UNSEEN UNDELETED" });
    await this.learn();
  }

  /** Asks for the messages of which EXISTS alone has told. */
  async learn(): Promise<void> {
    if (this.copy === undefined || this.copy.unknownCount === 0) return;
    await this.command({ text: `UID FETCH ${this.copy.knownThrough + 1}:* ${this.flagItems}` });
  }

  /** Leaves the mailbox by a command that does so without a word. */
  async leave(text: "CLOSE" | "UNSELECT"): Promise<void> {
    this.#remember();
    await this.command({ text });
    this.#leave();
  }

  async command(sent: Sent): Promise<string> {
    const tag = this.#send(sent);
    const tagged = await this.#readUntil((response) => response.startsWith(`${tag} `));
    const status = tagged.slice(tag.length + 1);
    if (!status.startsWith("OK") && !REFUSALS.test(status)) throw new Error(`${sent.text}: ${tagged}`);
    return status;
  }

  async idle(): Promise<void> {
    this.isIdling = true;
    this.#send({ text: "IDLE" });
    await this.#readUntil((response) => response.startsWith("+"));
  }

  async done(): Promise<void> {
    this.isIdling = false;
    this.#write("DONE");
    await this.#readUntil((response) => response.startsWith(`m${this.#tags} `));
  }

  /**
   * Sends commands, reads as many of the answers as it is told to, and is gone in the midst of the rest, after so many
   * turns of the event loop.
   */
  async cutOff(commands: readonly Sent[], { answers, turns }: { answers: number; turns: number }): Promise<void> {
    const tags = commands.map((sent) => this.#send(sent));
    const last = tags[answers - 1];
    if (last !== undefined) await this.#readUntil((response) => response.startsWith(`${last} `));
    await turnsOfEventLoop(turns);
    this.#trace(`${this.kind.name} is cut off`);
    this.#remember();
    this.close();
  }

  close(): void {
    this.#session?.close();
    this.isIdling = false;
    this.#leave();
  }

  /** The UIDs of which EXISTS alone has told although NOTIFY owes their FETCH. */
  owed(uids: readonly number[]): number[] {
    const { copy } = this;
    if (copy === undefined || this.kind.notify === undefined) return [];
    return uids.filter((uid) => !copy.messages.has(uid) && !this.#made.has(`${copy.uidValidity} ${uid}`));
  }

  #send(sent: Sent): string {
    const { text, silentChange, uids = [] } = sent;
    this.#underWay.push(sent);
    const tag = `m${++this.#tags}`;
    // Without MODSEQ nothing more is said of it, and what is told by then has happened after it.
    const untold = silentChange !== undefined && this.kind.qresync !== true ? uids : [];
    for (const uid of untold) if (silentChange !== undefined) this.copy?.change(uid, silentChange);
    this.#write(`${tag} ${text}`);
    return tag;
  }

  #write(line: string): void {
    this.#trace(`${this.kind.name} > ${line}`);
    this.#session?.write(`${line}\r\n`);
  }

  async #readUntil(isLast: (response: string) => boolean): Promise<string> {
    for (;;) {
      const response = (await this.#session?.next()) ?? "";
      this.#trace(`${this.kind.name} < ${response}`);
      this.#apply(response);
      if (isLast(response)) return response;
    }
  }

  #apply(response: string): void {
    const asked = this.#underWay[0];
    if (/^m\d/.test(response)) this.#underWay.shift();
    if (this.kind.rev2 === true && REV1.test(response)) throw new Error(`not of IMAP4rev2: ${response}`);
    if (this.kind.uidOnly === true && response.startsWith("* OK [UNSEEN")) throw new Error(`a number: ${response}`);
    if (response.startsWith("* BYE ")) throw new SessionEnded(response.slice(6));
    if (response.startsWith("* OK [CLOSED]")) this.copy = this.#opening;
    if (this.copy === undefined && /^\* (\d+|VANISHED)/.test(response)) throw new Error(`of no mailbox: ${response}`);
    this.copy?.apply(response, asked);
    // In IDLE there is no end of a command to wait for.
    if (!response.startsWith("*") || (this.isIdling && response.includes("[HIGHESTMODSEQ"))) this.copy?.advance();
    const [, validity, from, made] = /\[(?:APPENDUID|COPYUID) (\d+) (?:(\S+) )?(\S+)\]/.exec(response) ?? [];
    for (const uid of made === undefined ? [] : uidsIn(made)) this.#made.add(`${validity} ${uid}`);
    const strange = from === undefined ? [] : uidsIn(from).filter((uid) => asked?.uids?.includes(uid) !== true);
    if (strange.length > 0) throw new Error(`UIDs ${strange.join()} were not meant: ${response}`);
  }

  #leave(): void {
    this.copy = undefined;
    this.#opening = undefined;
  }

  #remember(): void {
    if (this.copy === undefined || this.kind.qresync !== true || this.copy.modSeq === 0) return;
    this.#remembered.set(this.#selected, this.copy.resumed());
  }
}
