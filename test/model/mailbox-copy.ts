// What a client knows of its mailbox from untagged responses alone. What no correct server says is an error at once.

export interface KnownMessage {
  /** In order, without \Recent: that depends on who asks. */
  readonly flags: string;
  /** 0 where the client was told of none. */
  readonly modSeq: number;
}

/** What a client does to flags by itself, where the server tells the MODSEQ alone (RFC 7162 3.1.3). */
export interface FlagChange {
  readonly mode: "+" | "-" | "";
  readonly flags: string;
}

/** What must be known of a command to understand what is told in answer to it. */
export interface Asked {
  readonly silentChange?: FlagChange;
  /** Whether it is a FETCH of flags without MODSEQ. */
  readonly bareFlags?: boolean;
}

/** How the client is told of messages. */
export interface CopyForm {
  /** Whether each FETCH with FLAGS must tell MODSEQ too (RFC 7162 3.2). */
  readonly tellsModSeq: boolean;
  /** Whether no message number is told (RFC 9586). */
  readonly isByUid: boolean;
}

export class MailboxCopy {
  uidValidity = 0;
  /** The MODSEQ to resume from, as RFC 7162 6 has it. */
  modSeq = 0;
  /** The UID behind each number, 0 as long as nobody said; without numbers those come last. */
  uids: number[] = [];
  readonly messages = new Map<number, KnownMessage>();
  /** What its live search finds, where it has one. */
  found: Set<number> | undefined;
  /** All messages up to this one were known before SELECT. */
  #resumedThrough = 0;
  /** What the responses since the last tagged one say of the highest MODSEQ. */
  #highestSeen = 0;
  #highestTold: number | undefined;
  readonly #form: CopyForm;

  constructor(form: CopyForm) {
    this.#form = form;
  }

  /** All messages up to this one are known. */
  get knownThrough(): number {
    // Where those are that EXISTS alone has told of, nobody says.
    if (this.#form.isByUid && this.unknownCount > 0) return 0;
    const firstUnknown = this.uids.findIndex((uid) => !this.messages.has(uid));
    return this.uids[(firstUnknown < 0 ? this.uids.length : firstUnknown) - 1] ?? 0;
  }

  /** How many messages there are of which the client knows no more. */
  get unknownCount(): number {
    return this.uids.filter((uid) => !this.messages.has(uid)).length;
  }

  /** What this client makes of the same mailbox when it comes back. */
  resumed(): MailboxCopy {
    const copy = new MailboxCopy(this.#form);
    copy.uidValidity = this.uidValidity;
    copy.modSeq = this.modSeq;
    copy.#resumedThrough = this.knownThrough;
    for (const [uid, message] of this.messages) if (uid <= this.knownThrough) copy.messages.set(uid, message);
    return copy;
  }

  /** Gives what is known from before the numbers that it must have, once SELECT has told what became of it. */
  numberKnown(): void {
    const known = [...this.messages.keys()].filter((uid) => uid <= this.#resumedThrough).sort((a, b) => a - b);
    if (known.length > this.uids.length) throw new Error(`${known.length} messages known of ${this.uids.length}`);
    for (const [row, uid] of known.entries()) this.#name(this.#form.isByUid ? this.#rowOf(uid) : row, uid);
  }

  /** A tagged response or a continuation has come: all that was told before it is complete. */
  advance(): void {
    this.modSeq = this.#highestTold ?? Math.max(this.modSeq, this.#highestSeen);
    this.#highestTold = undefined;
    this.#highestSeen = 0;
  }

  change(uid: number, { mode, flags }: FlagChange): void {
    const message = this.messages.get(uid);
    if (message === undefined) return;
    const given = flags.split(" ");
    const rest = message.flags.split(" ").filter((flag) => mode !== "" && !given.includes(flag));
    this.messages.set(uid, { ...message, flags: inOrder(mode === "-" ? rest : [...rest, ...given]) });
  }

  apply(response: string, asked: Asked = {}): void {
    const [, number, what, data = ""] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH)\b(.*)/s.exec(response) ?? [];
    if (what === "EXISTS") this.#exists(Number(number));
    if (what === "EXPUNGE") this.#expunge(Number(number));
    if (what === "FETCH") this.#fetch(Number(number), data, asked);
    if (what === "UIDFETCH") this.#fetch(this.#rowOf(Number(number)) + 1, `UID ${number} ${data}`, asked);
    if (this.#form.isByUid ? what === "EXPUNGE" || what === "FETCH" : what === "UIDFETCH")
      throw new Error(`not in the form that was enabled: ${response}`);
    const [, earlier, gone] = /^\* VANISHED (\(EARLIER\) )?(.*)/.exec(response) ?? [];
    for (const uid of gone === undefined ? [] : uidsIn(gone, earlier === undefined ? Infinity : this.#highestUid)) {
      if (earlier === undefined) this.#vanish(uid);
      else this.messages.delete(uid);
    }
    const [, news] = /^\* ESEARCH \(TAG "\w+"\) UID(.*)/.exec(response) ?? [];
    if (news !== undefined) this.#find(news);
    const [, validity] = /^\* OK \[UIDVALIDITY (\d+)\]/.exec(response) ?? [];
    if (validity !== undefined) this.#validate(Number(validity));
    const [, highest] = /\[HIGHESTMODSEQ (\d+)\]/.exec(response) ?? [];
    if (highest !== undefined) this.#highestTold = Number(highest);
  }

  get #highestUid(): number {
    return Math.max(0, ...this.messages.keys());
  }

  /** Another mailbox than that which was known: nothing of it is (RFC 7162 3.2.5.1). */
  #validate(uidValidity: number): void {
    if (this.uidValidity !== 0 && uidValidity !== this.uidValidity) this.messages.clear();
    this.uidValidity = uidValidity;
  }

  /** The answer of the live search, or what has changed of it (RFC 5267 4.3). */
  #find(data: string): void {
    const updates = [...data.matchAll(/ (ADDTO|REMOVEFROM) \(0 (\S+)\)/g)];
    if (updates.length === 0) this.found = new Set(uidsIn(/ ALL (\S+)/.exec(data)?.[1] ?? "1:0"));
    for (const [, what, set = ""] of updates) {
      for (const uid of uidsIn(set)) {
        if (what === "ADDTO" && !this.uids.includes(uid) && !this.uids.includes(0))
          throw new Error(`no message: ${data}`);
        const isNews = what === "ADDTO" ? this.found?.has(uid) === false : this.found?.has(uid) === true;
        if (!isNews) throw new Error(`no news: ${data}`);
        if (what === "ADDTO") this.found?.add(uid);
        else this.found?.delete(uid);
      }
    }
  }

  #exists(count: number): void {
    if (count < this.uids.length) throw new Error(`EXISTS falls from ${this.uids.length} to ${count}`);
    while (this.uids.length < count) this.uids.push(0);
  }

  #expunge(number: number): void {
    const [uid] = this.uids.splice(number - 1, 1);
    // RFC 5267 4.3.4
    if (this.found?.has(uid ?? 0) === true) throw new Error(`EXPUNGE of ${number}, which is found`);
    if (uid === undefined || number < 1) throw new Error(`EXPUNGE of ${number} of ${this.uids.length}`);
    this.messages.delete(uid);
  }

  #vanish(uid: number): void {
    const above = this.#form.isByUid ? -1 : this.uids.findIndex((other) => other > uid);
    // One that is not known is one of those that only EXISTS told of, and stands before the next higher one.
    const unknown = this.uids.lastIndexOf(0, above < 0 ? this.uids.length : above);
    const row = this.uids.includes(uid) ? this.uids.indexOf(uid) : unknown;
    if (row < 0) throw new Error(`VANISHED of ${uid}, which was never told`);
    this.#expunge(row + 1);
  }

  #fetch(number: number, data: string, { silentChange, bareFlags = false }: Asked): void {
    const uid = Number(/\bUID (\d+)/.exec(data)?.[1] ?? this.uids[number - 1]);
    const flags = /\bFLAGS \(([^)]*)\)/.exec(data)?.[1];
    const modSeq = Number(/\bMODSEQ \((\d+)\)/.exec(data)?.[1] ?? 0);
    this.#name(number - 1, uid);
    const before = this.messages.get(uid);
    if (modSeq > 0 && modSeq < (before?.modSeq ?? 0))
      throw new Error(`MODSEQ of UID ${uid} falls from ${before?.modSeq}`);
    if (flags !== undefined && this.#form.tellsModSeq && modSeq === 0 && !bareFlags)
      throw new Error(`no MODSEQ with FLAGS of UID ${uid}`);
    if (flags !== undefined)
      this.messages.set(uid, { flags: inOrder(flags.split(" ")), modSeq: modSeq || (before?.modSeq ?? 0) });
    else if (modSeq > 0 && before !== undefined) {
      this.messages.set(uid, { ...before, modSeq });
      if (silentChange !== undefined) this.change(uid, silentChange);
    }
    this.#highestSeen = Math.max(this.#highestSeen, modSeq);
  }

  /** The row of a UID among all that are known; one that is new takes the place of one that was not known. */
  #rowOf(uid: number): number {
    if (!this.uids.includes(uid)) {
      if (!this.uids.includes(0)) throw new Error(`UID ${uid} is beyond what EXISTS tells`);
      const others = this.uids.toSpliced(this.uids.indexOf(0), 1);
      this.uids = [...others, uid].sort((a, b) => (a || Infinity) - (b || Infinity) || 0);
    }
    return this.uids.indexOf(uid);
  }

  #name(row: number, uid: number): void {
    const before = this.uids[row];
    if (before === undefined) throw new Error(`UID ${uid} has the number ${row + 1} of ${this.uids.length}`);
    if (before !== 0 && before !== uid) throw new Error(`${row + 1} is UID ${before}, and UID ${uid}`);
    this.uids[row] = uid;
    const told = this.uids.filter((other) => other !== 0);
    if (told.some((other, i) => other <= (told[i - 1] ?? 0))) throw new Error(`UIDs do not ascend: ${told.join()}`);
  }
}

/** The UIDs of a set, those above the highest left out. */
export function uidsIn(set: string, highest = Infinity): number[] {
  return set.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split(":").map(Number);
    return Array.from({ length: Math.max(0, Math.min(last, highest) - first + 1) }, (_, i) => first + i);
  });
}

export function inOrder(flags: readonly string[]): string {
  return [...new Set(flags)]
    .filter((flag) => flag !== "" && flag !== "\\Recent")
    .sort()
    .join(" ");
}
