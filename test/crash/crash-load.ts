// Clients that change all that can be changed on a server until it goes, and the reading of what is there afterwards.
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import type { Address } from "../support/server-process.ts";
import type { Addresses } from "./killable-server.ts";
import type { Ledger } from "./ledger.ts";

export const PASSWORD = "secret";
export const ANN = "ann@example.org";
export const BEN = "ben@example.org";
/** Of the one account on a mailbox of the other. */
const RIGHTS = ["", "l", "lr", "lrswite"];
const BOXES = ["box-1", "box-2", "box-3", "box-3/inner"];
const ANNOTATED = ["INBOX", "Kept", '""'];
const ENTRIES = ["/private/a", "/private/b"];
/** Beyond so many mails the oldest of them go, all at once. */
const MAILS_MAX = 60;

/** Draws a number from 0 to below 1. */
export type Draw = () => number;

/** The load on one server, and what it knows of it over all of its lives. */
export class CrashLoad {
  readonly #ledger: Ledger;
  readonly #draw: Draw;
  readonly bodies: Map<string, string> = new Map();
  #count = 0;

  constructor(ledger: Ledger, draw: Draw) {
    this.#ledger = ledger;
    this.#draw = draw;
  }

  /** Clients that end when the server does. */
  start({ smtp, lmtp, imap }: Addresses): Promise<never>[] {
    return [
      this.#send(smtp, { lmtp: false }),
      this.#send(smtp, { lmtp: false }),
      this.#send(lmtp, { lmtp: true }),
      this.#append(() => openSession(imap, ANN)),
      this.#changeMails(() => openSession(imap, ANN)),
      this.#changeMailboxes(() => openSession(imap, ANN)),
      this.#changeMetadata(() => openSession(imap, ANN)),
    ];
  }

  async #send(at: Address, { lmtp }: { readonly lmtp: boolean }): Promise<never> {
    const sender = await RawSmtp.connect(at, { lmtp });
    for (;;) {
      const [id, text] = this.#newMail();
      // To one or to both. By SMTP it comes to both or to none, by LMTP to each for himself.
      const to = [[ANN], [BEN], [ANN, BEN]][this.#below(lmtp ? 2 : 3)] as string[];
      const asked = new Map(to.map((user) => [`${user} ${id}`, "INBOX()"]));
      await this.#ledger.change(asked, async () => {
        const reply = await sendTo(sender, to, text);
        if (!reply.startsWith("250")) throw new Error(reply);
      });
    }
  }

  async #append(open: () => Promise<RawImap>): Promise<never> {
    const session = await open();
    for (;;) {
      const [id, text] = this.#newMail();
      const [mailbox, flags] = this.#below(2) === 0 ? ["INBOX", "$Known"] : ["Kept", ""];
      const bytes = text.replace(/\n/g, "\r\n");
      await this.#ledger.change(new Map([[`${ANN} ${id}`, `${mailbox}(${flags})`]]), () =>
        session.ok(`APPEND ${mailbox} (${flags}) {${bytes.length}+}\r\n${bytes}`),
      );
    }
  }

  /** Flags, copies, moves and expunges, several mails at once. */
  async #changeMails(open: () => Promise<RawImap>): Promise<never> {
    const session = await open();
    await session.ok("SELECT INBOX");
    const uids = new Map<string, number>();
    for (;;) {
      const known = this.#ledger.names(ANN).filter((name) => /^INBOX\([^)]*\)$/.test(this.#ledger.state(name)));
      const few = Array.from({ length: 1 + this.#below(3) }, () => known[this.#below(known.length)]);
      const chosen = known.length > MAILS_MAX ? known.slice(0, MAILS_MAX / 2) : [...new Set(few)];
      const names = chosen.filter((name) => name !== undefined);
      for (const line of names.every((name) => uids.has(name)) ? [] : await session.ok(SUBJECTS)) {
        const uid = /UID (\d+)/.exec(line)?.[1];
        const id = /Subject: (\S+)/.exec(line)?.[1];
        if (uid !== undefined && id !== undefined) uids.set(`${ANN} ${id}`, Number(uid));
      }
      const set = names.map((name) => uids.get(name)).join(",");
      if (names.length === 0) await session.ok("NOOP");
      else if (names.length > 3) await this.#expunge(session, names, set);
      else await this.#changeFew(session, names, set);
    }
  }

  async #changeFew(session: RawImap, names: readonly string[], set: string): Promise<void> {
    const action = this.#below(5);
    const to = (place: (flags: string) => string): Map<string, string> =>
      new Map(names.map((name) => [name, place(this.#ledger.state(name).slice("INBOX(".length, -1))]));
    if (action < 2) {
      const flagged = to((flags) => `INBOX(${withFlag(flags, "$Known")})`);
      await this.#ledger.change(flagged, () => session.ok(`UID STORE ${set} +FLAGS ($Known)`));
    } else if (action === 2) {
      const copied = to((flags) => `INBOX(${flags}) Kept(${flags})`);
      await this.#ledger.change(copied, () => session.ok(`UID COPY ${set} Kept`));
    } else if (action === 3) {
      const moved = to((flags) => `Kept(${flags})`);
      await this.#ledger.change(moved, () => session.ok(`UID MOVE ${set} Kept`));
    } else await this.#expunge(session, names, set);
  }

  async #expunge(session: RawImap, names: readonly string[], set: string): Promise<void> {
    const deleted = new Map(
      names.map((name) => {
        const flags = withFlag(this.#ledger.state(name).slice("INBOX(".length, -1), "\\Deleted");
        return [name, `INBOX(${flags})`];
      }),
    );
    await this.#ledger.change(deleted, () => session.ok(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`));
    await this.#ledger.change(new Map(names.map((name) => [name, ""])), () => session.ok(`UID EXPUNGE ${set}`));
  }

  async #changeMailboxes(open: () => Promise<RawImap>): Promise<never> {
    const session = await open();
    for (;;) {
      const box = BOXES[this.#below(BOXES.length)] as string;
      const own = `mailbox ${box}`;
      const subscription = `subscription ${box}`;
      if (this.#below(5) === 0) {
        const rights = RIGHTS[this.#below(RIGHTS.length)] as string;
        await this.#ledger.change(new Map([["rights Kept", rights]]), () =>
          session.ok(`SETACL Kept ${BEN} "${rights}"`),
        );
      } else if (this.#below(3) === 0) {
        const [verb, state] = this.#ledger.state(subscription) === "" ? ["SUBSCRIBE", "yes"] : ["UNSUBSCRIBE", ""];
        await this.#ledger.change(new Map([[subscription, state]]), () => session.ok(`${verb} ${box}`));
      } else if (this.#ledger.state(own) === "") {
        // The level above is made, too.
        const levels = box.split("/").map((_, i, all) => `mailbox ${all.slice(0, i + 1).join("/")}`);
        await this.#ledger.change(new Map(levels.map((level) => [level, "there"])), () => session.ok(`CREATE ${box}`));
      } else if (this.#below(2) === 0) {
        await this.#ledger.change(new Map([[own, ""]]), () => session.ok(`DELETE ${box}`));
      } else await this.#rename(session, box);
    }
  }

  /** Two entries at once, of a mailbox or of the account. */
  async #changeMetadata(open: () => Promise<RawImap>): Promise<never> {
    const session = await open();
    for (;;) {
      const mailbox = ANNOTATED[this.#below(ANNOTATED.length)] as string;
      const values = ENTRIES.map((entry) => [entry, this.#below(3) === 0 ? "" : `value ${++this.#count}`] as const);
      const change = new Map(values.map(([entry, value]) => [`metadata ${mailbox} ${entry}`, value]));
      const said = values.map(([entry, value]) => `${entry} ${value === "" ? "NIL" : `"${value}"`}`);
      await this.#ledger.change(change, () => session.ok(`SETMETADATA ${mailbox} (${said.join(" ")})`));
    }
  }

  /** With all that is below. */
  async #rename(session: RawImap, box: string): Promise<void> {
    const to = `renamed-${++this.#count}`;
    const moved = this.#ledger
      .names("mailbox")
      .filter((name) => name === `mailbox ${box}` || name.startsWith(`mailbox ${box}/`));
    const change = new Map(
      moved.flatMap((name): [string, string][] => [
        [name, ""],
        [name.replace(`mailbox ${box}`, `mailbox ${to}`), "there"],
      ]),
    );
    await this.#ledger.change(change, () => session.ok(`RENAME ${box} ${to}`));
    for (const name of [...change.keys()].filter((one) => this.#ledger.state(one) !== "")) {
      const gone = name.slice("mailbox ".length);
      await this.#ledger.change(new Map([[name, ""]]), () => session.ok(`DELETE ${gone}`));
    }
  }

  #newMail(): [id: string, text: string] {
    const id = `mail-${++this.#count}`;
    const body = `${id} ${"x".repeat(Math.floor(this.#draw() ** 3 * 12_000))}`.replace(/(.{70})/g, "$1\n");
    this.bodies.set(id, body);
    return [id, `Subject: ${id}\n\n${body}\n`];
  }

  #below(bound: number): number {
    return Math.floor(this.#draw() * bound);
  }
}

const SUBJECTS = "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])";

export function openSession(imap: Addresses["imap"], user: string): Promise<RawImap> {
  return RawImap.open(imap, { user, password: PASSWORD });
}

/** Sends a mail; gives back the reply to its end of data. */
async function sendTo(sender: RawSmtp, to: readonly string[], text: string): Promise<string> {
  for (const line of ["MAIL FROM:<sender@example.net>", ...to.map((user) => `RCPT TO:<${user}>`), "DATA"]) {
    const reply = await sender.command(line);
    if (!/^[23]/.test(reply)) throw new Error(reply);
  }
  sender.socket.write(`${text.replace(/\n/g, "\r\n")}.\r\n`);
  return sender.reply();
}

function withFlag(flags: string, flag: string): string {
  return [...new Set([...flags.split(" ").filter((one) => one !== ""), flag])].sort().join(" ");
}

/** Every mail with its mailboxes and flags, every mailbox and subscription, rights and metadata, as the ledger names them. */
export async function readEverything(
  imap: Addresses["imap"],
  bodies: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const user of [ANN, BEN]) {
    const session = await openSession(imap, user);
    for (const mailbox of ["INBOX", "Kept"]) {
      await session.ok(`EXAMINE ${mailbox}`);
      for (const line of await session.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])")) {
        const [, id] = /\r\nSubject: (\S+)\r\n/.exec(line) ?? /\{\d+\}\r\nSubject: (\S+)\r\n/.exec(line) ?? [];
        if (id === undefined) continue;
        const text = line.slice(line.indexOf("\r\n\r\n") + 4, line.lastIndexOf("\r\n"));
        const isWhole = text.trimEnd() === bodies.get(id)?.replace(/\n/g, "\r\n").trimEnd();
        const flags = (/FLAGS \(([^)]*)\)/.exec(line)?.[1] ?? "").split(" ").filter((flag) => flag !== "\\Recent");
        const place = `${mailbox}(${isWhole ? flags.sort().join(" ") : "not what was sent"})`;
        const before = found.get(`${user} ${id}`);
        found.set(`${user} ${id}`, before === undefined ? place : `${before} ${place}`);
      }
    }
    if (user === ANN) {
      for (const line of await session.ok('LIST "" *')) noteName(found, "mailbox", "there", line);
      for (const mailbox of ANNOTATED) {
        const lines = await session.ok(`GETMETADATA (DEPTH infinity) ${mailbox} (/private /shared)`);
        for (const [, entry, value] of lines.join("").matchAll(/(\/\w+\/\w+) "([^"]*)"/g)) {
          found.set(`metadata ${mailbox} ${entry}`, value as string);
        }
      }
      for (const line of await session.ok('LSUB "" *')) noteName(found, "subscription", "yes", line);
    }
    // To whom it is shared sees the same as who shares it.
    const shared = await session.ok('LIST "" "Other Users/*/Kept" RETURN (MYRIGHTS)');
    const rights = /^\* MYRIGHTS .* ([a-z]+)$/m.exec(shared.join("\n"))?.[1]?.replace(/[cd]/g, "");
    if (rights !== undefined) found.set("rights Kept", rights);
    session.close();
  }
  return found;
}

function noteName(found: Map<string, string>, kind: string, state: string, line: string): void {
  const name = / "?((?:box|renamed)-[^"]*)"?$/.exec(line)?.[1];
  if (name !== undefined && !line.includes("\\NonExistent")) found.set(`${kind} ${name}`, state);
}
