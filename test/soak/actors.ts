// Who works on the server during a soak: senders, changers and watchers, each until its connection breaks.
import { within } from "../support/deadline.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import type { Address } from "../support/server-process.ts";
import { places, stateOf, type AccountModel, type Operation, type State } from "./account-model.ts";
import { mailText } from "./mail-text.ts";

export const PASSWORD = "secret";
/** Mails that an account is kept around; beyond, its changer expunges more than it does anything else. */
const MAILS_KEPT = 400;
const DAY_MS = 86_400_000;
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "$a", "$b"];

/** What all actors share. */
export interface Stage {
  readonly random: () => number;
  /** Resolves after a while: the pace of the soak. */
  readonly pause: (longestMs: number) => Promise<void>;
  readonly nextId: () => string;
  readonly counts: { delivered: number; appended: number; changed: number; pushed: number; viewsCompared: number };
  /** No actor begins anything new. */
  isQuiet: boolean;
}

/** Sends mails to accounts at random, each of them acknowledged or open. */
export async function send(stage: Stage, address: Address, to: readonly AccountModel[]): Promise<void> {
  const sender = await RawSmtp.connect(address);
  while (!stage.isQuiet) {
    const model = to[Math.floor(stage.random() * to.length)] as AccountModel;
    const id = stage.nextId();
    await model.perform(oneMail("delivery", id, "INBOX="), async () => {
      const reply = await sender.send(model.user, mailText(id));
      if (!reply.startsWith("250")) throw new Error(reply);
    });
    stage.counts.delivered++;
    await stage.pause(60);
  }
  sender.close();
}

/** Changes one account's mails and mailboxes; nobody else does. */
export async function change(stage: Stage, address: Address, model: AccountModel): Promise<void> {
  const session = await RawImap.open(address, { user: model.user, password: PASSWORD });
  const pick = <T>(from: readonly T[]): T => from[Math.floor(stage.random() * from.length)] as T;
  while (!stage.isQuiet) {
    if (stage.random() < 0.1) await changeMailboxes(stage, session, model);
    const mailbox = pick(model.mailboxes);
    const uids = await uidsIn(session, mailbox);
    for (let i = 0; i < 4 && !stage.isQuiet; i++) {
      const ids = model.mailsIn(mailbox).filter((id) => uids.has(id));
      const chosen = ids.filter(() => stage.random() < 0.2);
      const target = pick(model.mailboxes);
      const isFull = model.states.size > MAILS_KEPT && stage.random() < 0.6;
      const what = isFull ? 0.99 : stage.random();
      const operation = operationOf({ what, model, mailbox, target, flag: pick(FLAGS), chosen });
      if (operation === null || operation.states.size === 0) continue;
      const set = [...operation.states.keys()].map((id) => uids.get(id)).join(",");
      if (operation.name === "UID EXPUNGE") await markDeleted(session, model, operation, { mailbox, set });
      await model.perform(operation, async () => {
        await session.ok(operation.command.replace("SET", set));
      });
      if (operation.leaves) for (const id of operation.states.keys()) uids.delete(id);
      stage.counts.changed += operation.states.size;
      await stage.pause(80);
    }
    if (stage.random() < 0.3) await append(stage, session, { model, mailbox: pick(model.mailboxes) });
  }
  session.close();
}

interface Change extends Operation {
  readonly command: string;
  /** The mails are no longer in the mailbox after it. */
  readonly leaves: boolean;
}

/** A command on mails of one mailbox, with what it makes of them; SET stands for their UIDs. */
function operationOf(from: {
  what: number;
  model: AccountModel;
  mailbox: string;
  target: string;
  flag: string;
  chosen: readonly string[];
}): Change | null {
  const { what, model, mailbox, target, flag, chosen } = from;
  const make = (name: string, command: string, alter: (of: Map<string, string[]>) => boolean): Change => {
    const states = new Map<string, { before: State; after: State }>();
    for (const id of chosen) {
      const before = model.states.get(id) as State;
      const altered = places(before);
      if (alter(altered)) states.set(id, { before, after: stateOf(altered) });
    }
    return { name, command, states, leaves: name === "UID MOVE" || name === "UID EXPUNGE" };
  };
  const flagsOf = (of: Map<string, string[]>): string[] => of.get(mailbox) as string[];
  if (what < 0.5) {
    return make("UID STORE", `UID STORE SET +FLAGS (${flag})`, (of) => {
      of.set(mailbox, [...new Set([...flagsOf(of), flag])]);
      return true;
    });
  }
  if (what < 0.6) {
    return make("UID STORE", `UID STORE SET -FLAGS (${flag})`, (of) => {
      of.set(
        mailbox,
        flagsOf(of).filter((own) => own !== flag),
      );
      return true;
    });
  }
  if (what < 0.9) {
    const isMove = what < 0.8;
    if (target === mailbox) return null;
    return make(isMove ? "UID MOVE" : "UID COPY", `UID ${isMove ? "MOVE" : "COPY"} SET ${target}`, (of) => {
      if (of.has(target)) return false;
      of.set(target, flagsOf(of));
      if (isMove) of.delete(mailbox);
      return true;
    });
  }
  return make("UID EXPUNGE", "UID EXPUNGE SET", (of) => of.delete(mailbox));
}

/** The flag that EXPUNGE asks for is an operation of its own, and what EXPUNGE then begins with. */
async function markDeleted(
  session: RawImap,
  model: AccountModel,
  expunge: Change,
  at: { mailbox: string; set: string },
): Promise<void> {
  const states = new Map<string, { before: State; after: State }>();
  for (const [id, { before }] of expunge.states) {
    const marked = places(before);
    marked.set(at.mailbox, [...new Set([...(marked.get(at.mailbox) as string[]), "\\Deleted"])]);
    states.set(id, { before, after: stateOf(marked) });
  }
  await model.perform({ name: "UID STORE \\Deleted", states }, async () => {
    await session.ok(`UID STORE ${at.set} +FLAGS (\\Deleted)`);
  });
  for (const [id, change] of expunge.states) {
    (change as { before: State }).before = model.states.get(id) as State;
  }
}

async function append(
  stage: Stage,
  session: RawImap,
  to: { readonly model: AccountModel; readonly mailbox: string },
): Promise<void> {
  const id = stage.nextId();
  const text = mailText(id);
  await to.model.perform(oneMail("APPEND", id, `${to.mailbox}=$a`), async () => {
    session.write(`append APPEND ${to.mailbox} ($a) {${text.length}}\r\n`);
    await session.until((line) => line.startsWith("+"), "the continuation of APPEND");
    session.write(`${text}\r\n`);
    const end = await session.until((line) => line.startsWith("append "), "the end of APPEND");
    if (!end.at(-1)?.startsWith("append OK")) throw new Error(end.at(-1));
  });
  stage.counts.appended++;
}

/** Creates, renames or deletes a mailbox. */
async function changeMailboxes(stage: Stage, session: RawImap, model: AccountModel): Promise<void> {
  const before = model.mailboxes;
  const own = before.filter((mailbox) => mailbox.startsWith("Box"));
  const fresh = `Box${stage.nextId()}`;
  const chosen = own[Math.floor(stage.random() * own.length)];
  const what = stage.random();
  if (chosen === undefined || (own.length < 4 && what < 0.5)) {
    const after = [...before, fresh].toSorted();
    const operation = { name: "CREATE", states: new Map(), mailboxes: { before, after } };
    return model.perform(operation, async () => void (await session.ok(`CREATE ${fresh}`)));
  }
  const isRename = what < 0.9;
  const others = before.filter((mailbox) => mailbox !== chosen);
  const after = isRename ? [...others, fresh].toSorted() : others;
  const states = new Map<string, { before: State; after: State }>();
  for (const [id, state] of model.states) {
    const altered = places(state);
    const flags = altered.get(chosen);
    if (flags === undefined) continue;
    altered.delete(chosen);
    if (isRename) altered.set(fresh, flags);
    states.set(id, { before: state, after: stateOf(altered) });
  }
  await session.ok("UNSELECT").catch(() => undefined);
  const operation = { name: isRename ? "RENAME" : "DELETE", states, mailboxes: { before, after } };
  const command = isRename ? `RENAME ${chosen} ${fresh}` : `DELETE ${chosen}`;
  return model.perform(operation, async () => void (await session.ok(command)));
}

/** Selects a mailbox; the UIDs of its last mails by id. */
async function uidsIn(session: RawImap, mailbox: string): Promise<Map<string, number>> {
  const told = await session.ok(`SELECT ${mailbox}`);
  const exists = Number(told.map((line) => /^\* (\d+) EXISTS/.exec(line)?.[1]).find((n) => n !== undefined));
  if (exists === 0) return new Map();
  const from = Math.max(1, exists - 60);
  const lines = await session.ok(`FETCH ${from}:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])`);
  const uids = new Map<string, number>();
  for (const line of lines) {
    const id = /Subject: (\S+)\r\n/.exec(line)?.[1];
    if (id !== undefined) uids.set(id, Number(/UID (\d+)/.exec(line)?.[1]));
  }
  return uids;
}

function oneMail(name: string, id: string, after: State): Operation {
  return { name, states: new Map([[id, { before: "", after }]]) };
}

/** A session in IDLE on INBOX that keeps its view from what it is told alone. */
export class Watcher {
  readonly #session: RawImap;
  #lines: string[] = [];
  #isComparing = false;
  #arrived: () => void = () => undefined;
  #view: { uid: number | null; flags: string | null }[] = [];

  private constructor(session: RawImap) {
    this.#session = session;
  }

  static async open(address: Address, user: string): Promise<Watcher> {
    const session = await RawImap.open(address, { user, password: PASSWORD, mailbox: "INBOX" });
    const watcher = new Watcher(session);
    const lines = await session.ok("UID FETCH 1:* (UID FLAGS)");
    watcher.#view = lines.filter(isFetch).map((line) => ({ uid: uidIn(line), flags: flagsIn(line) }));
    for (const line of await session.idle()) watcher.#take(line);
    return watcher;
  }

  /** Takes what comes until the connection breaks: the one reader of the session. */
  async follow(stage: Stage): Promise<void> {
    for (;;) {
      const line = await this.#session.next("a response", DAY_MS);
      this.#lines.push(line);
      if (!this.#isComparing) this.#take(line);
      stage.counts.pushed++;
      this.#arrived();
    }
  }

  /** Resolves when it was told, in IDLE, of as many messages as there are. */
  async awaitExists(exists: number): Promise<void> {
    await this.#await(() => this.#view.length === exists, `${exists} messages in IDLE`);
  }

  /** Ends IDLE and compares the view with a fresh one; gives the faults. */
  async compare(stage: Stage): Promise<string[]> {
    await this.#command("DONE", /^T\d+ OK/);
    await this.#command("compare NOOP", /^compare OK/);
    this.#isComparing = true;
    const lines = (await this.#command("compare UID FETCH 1:* (UID FLAGS)", /^compare OK/)).filter(isFetch);
    stage.counts.viewsCompared++;
    const faults =
      lines.length === this.#view.length ? [] : [`view of ${this.#view.length}, mailbox of ${lines.length}`];
    for (const [i, line] of lines.entries()) {
      const { uid = null, flags = null } = this.#view[i] ?? {};
      if (uid !== null && uid !== uidIn(line)) faults.push(`view has UID ${uid}: ${line}`);
      if (flags !== null && flags !== flagsIn(line)) faults.push(`view has flags (${flags}): ${line}`);
    }
    return faults;
  }

  async #command(text: string, end: RegExp): Promise<readonly string[]> {
    this.#lines = [];
    this.#session.write(`${text}\r\n`);
    await this.#await(() => end.test(this.#lines.at(-1) ?? ""), `the end of ${text}`);
    return this.#lines;
  }

  async #await(isSo: () => boolean, what: string): Promise<void> {
    while (!isSo()) await within(new Promise<void>((resolve) => (this.#arrived = resolve)), what);
  }

  close(): void {
    this.#session.close();
  }

  #take(line: string): void {
    const [, number = "", word] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
    const at = Number(number) - 1;
    if (word === "EXPUNGE") this.#view.splice(at, 1);
    else if (word === "EXISTS") while (this.#view.length <= at) this.#view.push({ uid: null, flags: null });
    else if (word === "FETCH") this.#view[at] = { uid: this.#view[at]?.uid ?? null, flags: flagsIn(line) };
  }
}

function isFetch(line: string): boolean {
  return /^\* \d+ FETCH /.test(line);
}

function uidIn(line: string): number {
  return Number(/UID (\d+)/.exec(line)?.[1]);
}

function flagsIn(line: string): string {
  const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1]?.split(" ") ?? [];
  return flags
    .filter((flag) => flag !== "\\Recent")
    .toSorted()
    .join(" ");
}
