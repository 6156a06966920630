// The whole server in this process, all its listeners and their log, with two accounts: what an attacker meets.
import { startPushmail, type LimitsGiven, type Pushmail } from "pushmail";
import type { AccountInfo } from "@pushmail/mailstore";
import { RawImap } from "./raw-imap.ts";
import type { Address } from "./server-process.ts";

export const ALICE = "alice@example.org";
export const BOB = "bob@example.org";
export const PASSWORD = "secret";

export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

export class AttackedServer {
  readonly pushmail: Pushmail;
  readonly alice: AccountInfo;
  readonly bob: AccountInfo;
  readonly logged: LogEntry[];

  private constructor(parts: Pick<AttackedServer, "pushmail" | "alice" | "bob" | "logged">) {
    this.pushmail = parts.pushmail;
    this.alice = parts.alice;
    this.bob = parts.bob;
    this.logged = parts.logged;
  }

  static async start(limits: LimitsGiven = {}): Promise<AttackedServer> {
    const logged: LogEntry[] = [];
    const logAt =
      (level: LogEntry["level"]) =>
      (fields: object, message: string): void =>
        void logged.push({ level, fields, message });
    const log = { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") };
    const pushmail = await startPushmail({ log, limits });
    const alice = await pushmail.store.createAccount({ address: ALICE, password: PASSWORD });
    const bob = await pushmail.store.createAccount({ address: BOB, password: PASSWORD });
    return new AttackedServer({ pushmail, alice, bob, logged });
  }

  address(name: "smtp" | "submission" | "submissions" | "lmtp" | "imap" | "imaps"): Address {
    const address = this.pushmail[name];
    if (address === undefined) throw new Error(`no listener for ${name}`);
    return address;
  }

  /** A session of Alice, or of somebody else; with a mailbox it has that selected. */
  imap(mailbox?: string, user: string = ALICE): Promise<RawImap> {
    const login = { user, password: PASSWORD };
    return RawImap.open(this.address("imap"), mailbox === undefined ? login : { ...login, mailbox });
  }

  /** Puts a message into an inbox, byte for byte. */
  async append(text: string | Buffer, account: AccountInfo = this.alice): Promise<void> {
    const { store } = this.pushmail;
    const inbox = await store.mailbox(account.id, "INBOX");
    if (inbox === undefined) throw new Error("no INBOX");
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    const message = await store.stage(piecesOf(bytes), { bytesMax: 2 ** 30 });
    await store.append([{ account: account.id, mailbox: inbox.id, message }]);
  }

  /** The mails in an inbox, byte for byte, oldest first. */
  async mails(account: AccountInfo = this.alice): Promise<string[]> {
    const { store } = this.pushmail;
    const inbox = await store.mailbox(account.id, "INBOX");
    if (inbox === undefined) throw new Error("no INBOX");
    const handle = await store.open({ account: account.id, mailbox: inbox.id });
    const mails: string[] = [];
    for await (const batch of handle.metadata([[1, inbox.uidNext]])) {
      for (const { blob } of batch) {
        const pieces: Uint8Array[] = [];
        for await (const piece of store.body(blob)) pieces.push(piece);
        mails.push(Buffer.concat(pieces).toString("latin1"));
      }
    }
    handle.release();
    return mails;
  }

  /** What the server logged as its own fault. */
  get faults(): readonly LogEntry[] {
    return this.logged.filter(({ level }) => level === "error");
  }

  async stop(): Promise<void> {
    await this.pushmail.close();
  }
}

/** As the network gives it. */
async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
