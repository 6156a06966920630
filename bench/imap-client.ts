// An IMAP client that counts and passes by: what it costs itself is little beside what is measured.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Writable } from "node:stream";
import { connect as connectSecure } from "node:tls";
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import type { Endpoint } from "./line-client.ts";
import { PASSWORD } from "./peers/accounts.ts";

export interface ConnectOptions {
  /** TLS from the first byte; whose certificate it is does not matter here. */
  readonly secure?: boolean;
  /** The address to come from, where one has not ports enough. */
  readonly localAddress?: string;
}

/** What a command was answered with. */
export interface Answer {
  /** The tagged response behind its tag. */
  readonly text: string;
  /** The untagged responses, a literal in them as its announcement alone. */
  readonly lines: readonly string[];
  /** Octets of all literals. */
  readonly literalBytes: number;
}

/** The number beside a word in the untagged responses, before or behind it: EXISTS, UIDNEXT; -1 where there is none. */
export function numberIn({ lines }: Answer, word: string): number {
  const found = new RegExp(`(\\d+) ${word}|${word} (\\d+)`).exec(lines.join("\n"));
  return Number(found?.[1] ?? found?.[2] ?? -1);
}

interface Pending {
  readonly tag: string;
  readonly lines: string[];
  literalBytes: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Is told of a response that no command waits for, and when it was read (`performance.now()`). */
export type Listener = (line: string, atMs: number) => void;

const LITERAL = /\{(\d+)\}$/;
/** Appends under way at a time. */
const APPENDS_AT_ONCE = 64;

export class ImapClient {
  readonly socket: Socket;
  #out: Writable;
  readonly #pending: Pending[] = [];
  #listener: Listener | null = null;
  #continuation: (() => void) | null = null;
  #text = "";
  #literalLeft = 0;
  #tags = 0;
  #broken: Error | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#out = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** Connects and takes the greeting. */
  static async connect(endpoint: Endpoint, { secure = false, localAddress }: ConnectOptions = {}): Promise<ImapClient> {
    const at = { ...endpoint, ...(localAddress === undefined ? {} : { localAddress }) };
    const socket = secure ? connectSecure({ ...at, rejectUnauthorized: false }) : connect(at);
    const client = new ImapClient(socket);
    const greeted = new Promise<void>((resolve, reject) => {
      client.#pending.push({ tag: "*", lines: [], literalBytes: 0, resolve: () => resolve(), reject });
    });
    await once(socket, secure ? "secureConnect" : "connect");
    await greeted;
    return client;
  }

  /** Connects and logs in. */
  static async open(endpoint: Endpoint, user: string, options?: ConnectOptions): Promise<ImapClient> {
    const client = await ImapClient.connect(endpoint, options);
    await client.command(`LOGIN ${user} ${PASSWORD}`);
    return client;
  }

  /** Sends a command, and more may follow before it is answered; throws where the answer is not OK. */
  command(text: string): Promise<Answer> {
    const { tag, answer } = this.#expect();
    this.#out.write(`${tag} ${text}\r\n`, "latin1");
    return answer;
  }

  async capabilities(): Promise<ReadonlySet<string>> {
    const { lines } = await this.command("CAPABILITY");
    return new Set(lines.flatMap((line) => line.split(" ").slice(2)));
  }

  /** Enters IDLE; from then on the listener gets what comes. */
  async idle(listener: Listener): Promise<void> {
    this.#listener = listener;
    const { tag, answer } = this.#expect();
    const entered = new Promise<void>((resolve) => (this.#continuation = resolve));
    this.#out.write(`${tag} IDLE\r\n`);
    await Promise.race([entered, answer.then(({ text }) => Promise.reject(new Error(text)))]);
    answer.catch(() => undefined);
  }

  /** Has the selected mailbox' new and expunged mails told without IDLE; the listener gets what comes. */
  async notify(listener: Listener): Promise<void> {
    await this.command("NOTIFY SET (SELECTED (MessageNew MessageExpunge))");
    this.#listener = listener;
  }

  /** From here on both sides deflate (RFC 4978). */
  async compress(): Promise<void> {
    await this.command("COMPRESS DEFLATE");
    const inflate = createInflateRaw();
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH, memLevel: 1, windowBits: 9 });
    this.socket.removeAllListeners("data").pipe(inflate);
    inflate.on("data", (chunk: Buffer) => this.#take(chunk)).on("error", (error) => this.#fail(error));
    deflate.pipe(this.socket);
    this.#out = deflate;
  }

  /** Appends messages, many under way at a time. Needs LITERAL+ (RFC 7888). */
  async append(mailbox: string, messages: Iterable<Uint8Array>): Promise<void> {
    const underWay = new Set<Promise<unknown>>();
    for (const message of messages) {
      const { tag, answer } = this.#expect();
      this.#out.cork();
      this.#out.write(`${tag} APPEND ${mailbox} {${message.length}+}\r\n`);
      this.#out.write(message);
      const isWritten = this.#out.write("\r\n");
      this.#out.uncork();
      const done = answer.finally(() => underWay.delete(done));
      underWay.add(done);
      if (!isWritten) await once(this.#out, "drain");
      if (underWay.size >= APPENDS_AT_ONCE) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  close(): void {
    this.#pending.length = 0;
    this.socket.destroy();
  }

  #expect(): { tag: string; answer: Promise<Answer> } {
    const tag = `t${++this.#tags}`;
    const answer = new Promise<Answer>((resolve, reject) => {
      if (this.#broken === null) this.#pending.push({ tag, lines: [], literalBytes: 0, resolve, reject });
      else reject(this.#broken);
    });
    return { tag, answer };
  }

  #take(chunk: Buffer): void {
    const atMs = performance.now();
    for (let at = 0; at < chunk.length;) {
      if (this.#literalLeft > 0) {
        const skipped = Math.min(this.#literalLeft, chunk.length - at);
        this.#literalLeft -= skipped;
        at += skipped;
        continue;
      }
      const end = chunk.indexOf(10, at);
      this.#text += chunk.toString("latin1", at, end < 0 ? chunk.length : end);
      if (end < 0) return;
      at = end + 1;
      this.#endLine(atMs);
    }
  }

  #endLine(atMs: number): void {
    if (this.#text.endsWith("\r")) this.#text = this.#text.slice(0, -1);
    const literal = this.#text.endsWith("}") ? LITERAL.exec(this.#text) : null;
    if (literal !== null) {
      this.#literalLeft = Number(literal[1]);
      const first = this.#pending[0];
      if (first !== undefined) first.literalBytes += this.#literalLeft;
      return;
    }
    const line = this.#text;
    this.#text = "";
    this.#respond(line, atMs);
  }

  #respond(line: string, atMs: number): void {
    const first = this.#pending[0];
    if (line.startsWith("+")) {
      this.#continuation?.();
      this.#continuation = null;
    } else if (first?.tag === "*") {
      this.#pending.shift();
      first.resolve({ text: line, lines: [], literalBytes: 0 });
    } else if (first !== undefined && line.startsWith(`${first.tag} `)) {
      this.#pending.shift();
      const text = line.slice(first.tag.length + 1);
      if (text.startsWith("OK")) first.resolve({ text, lines: first.lines, literalBytes: first.literalBytes });
      else first.reject(new Error(text));
    } else if (this.#listener !== null) {
      this.#listener(line, atMs);
    } else {
      first?.lines.push(line);
    }
  }

  #fail(error: Error): void {
    this.#broken = error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }
}
