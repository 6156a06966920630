// An IMAP client that keeps a copy of a mailbox from what it is told in IDLE, over crashes of the server. What it was
// told must be true afterwards; what it missed it asks for by its last mod-sequence, with QRESYNC or with CONDSTORE alone.
import type { RawImap } from "../support/raw-imap.ts";

interface Message {
  readonly uid: number;
  readonly flags: string;
}

export class MailboxMirror {
  #uidValidity = 0;
  #modSeq = 0;
  /** In the order of their sequence numbers; those behind them were announced, but not asked for yet. */
  #messages: Message[] = [];
  #exists = 0;
  readonly #gone = new Set<number>();
  readonly #resync: "QRESYNC" | "CONDSTORE";

  constructor(resync: "QRESYNC" | "CONDSTORE") {
    this.#resync = resync;
  }

  /** Selects INBOX and brings the copy up to date; gives back what does not fit what was told before. */
  async resume(session: RawImap): Promise<string[]> {
    const isKnown = this.#uidValidity !== 0;
    if (this.#resync === "QRESYNC") await session.ok("ENABLE QRESYNC");
    const from = isKnown && this.#resync === "QRESYNC" ? ` (${this.#uidValidity} ${this.#modSeq})` : "";
    const told = await session.ok(`SELECT INBOX (${from === "" ? "CONDSTORE" : `QRESYNC${from}`})`);
    const uidValidity = numberIn(told, /UIDVALIDITY (\d+)/);
    const modSeq = numberIn(told, /HIGHESTMODSEQ (\d+)/);
    const full = messagesIn(await session.ok("UID FETCH 1:* (FLAGS)"));
    const wrong = isKnown ? this.#catchUp(full, from === "" ? await this.#changes(session, full) : told) : [];
    if (isKnown && uidValidity !== this.#uidValidity) wrong.push("another UIDVALIDITY");
    if (modSeq < this.#modSeq) wrong.push(`HIGHESTMODSEQ fell from ${this.#modSeq} to ${modSeq}`);
    this.#uidValidity = uidValidity;
    this.#modSeq = modSeq;
    this.#messages = full;
    this.#exists = full.length;
    return wrong;
  }

  /** Listens until the connection ends. */
  async follow(session: RawImap): Promise<never> {
    for (;;) {
      for (const line of await session.idle()) this.#apply(line);
      while (this.#exists === this.#messages.length) this.#apply(await session.next("an untagged response", 60_000));
      for (const line of await session.done()) this.#apply(line);
      const from = (this.#messages.at(-1)?.uid ?? 0) + 1;
      for (const line of await session.ok(`UID FETCH ${from}:* (FLAGS)`)) this.#apply(line);
    }
  }

  #apply(line: string): void {
    const [, text, kind] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
    const number = Number(text);
    if (kind === "EXISTS") this.#exists = number;
    if (kind === "EXPUNGE") {
      const [message] = this.#messages.splice(number - 1, 1);
      if (message !== undefined) this.#gone.add(message.uid);
      this.#exists--;
    }
    for (const uid of vanishedIn([line])) {
      const at = this.#messages.findIndex((message) => message.uid === uid);
      if (at >= 0) this.#messages.splice(at, 1);
      this.#gone.add(uid);
      this.#exists--;
    }
    if (kind === "FETCH") {
      const [message] = messagesIn([line]);
      const uid = message?.uid || this.#messages[number - 1]?.uid;
      if (message === undefined || uid === undefined) return;
      if (number <= this.#messages.length) this.#messages[number - 1] = { uid, flags: message.flags };
      else if (number === this.#messages.length + 1) this.#messages.push({ uid, flags: message.flags });
    }
  }

  /** What was told, with what changed since by the server's word, must be what there is. */
  #catchUp(full: readonly Message[], told: readonly string[]): string[] {
    const now = new Map(full.map(({ uid, flags }) => [uid, flags]));
    const wrong = [...this.#gone].filter((uid) => now.has(uid)).map((uid) => `UID ${uid} is back`);
    for (const { uid, flags } of this.#messages) {
      const lost = flags.split(" ").filter((flag) => flag !== "" && !(now.get(uid) ?? flags).split(" ").includes(flag));
      if (lost.length > 0) wrong.push(`UID ${uid} has lost ${lost.join(" ")}`);
    }
    const caughtUp = new Map(this.#messages.map(({ uid, flags }) => [uid, flags]));
    for (const uid of vanishedIn(told)) caughtUp.delete(uid);
    for (const { uid, flags } of messagesIn(told)) caughtUp.set(uid, flags);
    const uids = new Set([...now.keys(), ...caughtUp.keys()]);
    const differing = [...uids].filter((uid) => caughtUp.get(uid) !== now.get(uid));
    if (differing.length > 0) wrong.push(`not told of changes since ${this.#modSeq}: UIDs ${differing.join(",")}`);
    return wrong;
  }

  /** What changed since the last time that everything was known (RFC 7162 3.1.4.1); what is gone no list of all names. */
  async #changes(session: RawImap, full: readonly Message[]): Promise<string[]> {
    const left = new Set(full.map(({ uid }) => uid));
    const gone = this.#messages.filter(({ uid }) => !left.has(uid)).map(({ uid }) => `* VANISHED ${uid}`);
    return [...gone, ...(await session.ok(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${this.#modSeq})`))];
  }
}

/** The UIDs of VANISHED responses (RFC 7162 3.2.10). */
function vanishedIn(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const set = /^\* VANISHED (?:\(EARLIER\) )?(\S+)$/.exec(line)?.[1];
    return (set?.split(",") ?? []).flatMap((range) => {
      const [first, last = first] = range.split(":").map(Number) as [number, number?];
      return Array.from({ length: Number(last) - first + 1 }, (_, i) => first + i);
    });
  });
}

function messagesIn(lines: readonly string[]): Message[] {
  return lines.flatMap((line) => {
    const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1];
    if (!/^\* \d+ FETCH/.test(line) || flags === undefined) return [];
    // Whether it is recent depends on who asks.
    const kept = flags.split(" ").filter((flag) => flag !== "\\Recent");
    return [{ uid: Number(/UID (\d+)/.exec(line)?.[1] ?? 0), flags: kept.sort().join(" ") }];
  });
}

function numberIn(lines: readonly string[], pattern: RegExp): number {
  return Number(pattern.exec(lines.join("\n"))?.[1] ?? Number.NaN);
}
