// A bare IMAP client for tests: sends lines, gives back whole responses with their literals, waits for what it is told.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { constants, createInflateRaw, deflateRawSync, type InflateRaw } from "node:zlib";
import { within } from "./deadline.ts";
import type { Address } from "./server-process.ts";

export interface Answer {
  /** Untagged responses that came with the command. */
  readonly untagged: readonly string[];
  /** The tagged response without its tag. */
  readonly status: string;
}

export class RawImap {
  readonly socket: Socket;
  /** Responses; the first `#taken` of them were taken. */
  #queue: string[] = [];
  #taken = 0;
  #waiting: (() => void)[] = [];
  #bytes = Buffer.alloc(0);
  #tags = 0;
  #ended = false;
  /** Where both directions are deflated. */
  #inflate: InflateRaw | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => (this.#inflate === undefined ? this.#take(data) : this.#inflate.write(data)));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.#inflate === undefined ? this.#end() : this.#inflate.end()));
  }

  /** Connects and takes the greeting. */
  static async connect(address: Address, options: { readonly tls?: boolean } = {}): Promise<RawImap> {
    const socket = options.tls === true ? connectTls({ ...address, rejectUnauthorized: false }) : connectTcp(address);
    socket.setNoDelay(true);
    const client = new RawImap(socket);
    await within(once(socket, options.tls === true ? "secureConnect" : "connect"), "a connection");
    await client.next();
    return client;
  }

  /** Connects, logs in and selects a mailbox. */
  static async open(
    address: Address,
    login: { readonly user: string; readonly password: string; readonly mailbox?: string },
  ): Promise<RawImap> {
    const client = await RawImap.connect(address);
    await client.ok(`LOGIN ${login.user} ${login.password}`);
    if (login.mailbox !== undefined) await client.ok(`SELECT ${login.mailbox}`);
    return client;
  }

  write(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    const sync = { finishFlush: constants.Z_SYNC_FLUSH };
    this.socket.write(this.#inflate === undefined ? bytes : deflateRawSync(bytes, sync));
  }

  /** Goes on deflated, in both directions (RFC 4978). */
  async compress(): Promise<void> {
    await this.ok("COMPRESS DEFLATE");
    // A stream that only the end of the connection ends.
    const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
    inflate.on("data", (data: Buffer) => this.#take(data));
    inflate.on("end", () => this.#end());
    this.#inflate = inflate;
  }

  /** The next response, untagged, tagged or `+`, literals and all. */
  async next(what = "a response", deadlineMs?: number): Promise<string> {
    while (this.#taken === this.#queue.length) {
      if (this.#ended) throw new Error(`the connection ended before ${what}`);
      const wake = new Promise<void>((resolve) => this.#waiting.push(resolve));
      await within(wake, what, deadlineMs);
    }
    const response = this.#queue[this.#taken++] as string;
    if (this.#taken === this.#queue.length) {
      this.#queue = [];
      this.#taken = 0;
    }
    return response;
  }

  /** Takes responses until one fits; gives back all of them, the fitting one last. */
  async until(fits: (response: string) => boolean, what: string, deadlineMs?: number): Promise<string[]> {
    const taken: string[] = [];
    for (;;) {
      const response = await this.next(what, deadlineMs);
      taken.push(response);
      if (fits(response)) return taken;
    }
  }

  async command(text: string): Promise<Answer> {
    const tag = `T${++this.#tags}`;
    this.write(`${tag} ${text}\r\n`);
    const taken = await this.until((response) => response.startsWith(`${tag} `), `the end of ${text.slice(0, 60)}`);
    return { untagged: taken.slice(0, -1), status: (taken.at(-1) as string).slice(tag.length + 1) };
  }

  /** The untagged responses of a command that must end in OK. */
  async ok(text: string): Promise<readonly string[]> {
    const { untagged, status } = await this.command(text);
    if (!status.startsWith("OK")) throw new Error(`${text}: ${status}`);
    return untagged;
  }

  /** Starts IDLE and waits for the continuation; what was told before it is given back. */
  async idle(): Promise<string[]> {
    this.write(`T${++this.#tags} IDLE\r\n`);
    return (await this.until((response) => response.startsWith("+"), "the continuation of IDLE")).slice(0, -1);
  }

  /** Ends IDLE; what was told meanwhile is given back. */
  async done(): Promise<string[]> {
    this.write("DONE\r\n");
    return (await this.until((response) => response.startsWith(`T${this.#tags} `), "the end of IDLE")).slice(0, -1);
  }

  close(): void {
    this.socket.destroy();
  }

  #end(): void {
    this.#ended = true;
    this.#notify();
  }

  #take(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const end = endOfResponse(this.#bytes);
      if (end < 0) break;
      this.#queue.push(this.#bytes.toString("latin1", 0, end - 2));
      this.#bytes = this.#bytes.subarray(end);
    }
    this.#notify();
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Where the first whole response of `bytes` ends, or -1. */
function endOfResponse(bytes: Buffer): number {
  let from = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", from, "latin1");
    if (lineEnd < 0) return -1;
    const literal = /\{(\d+)\}$/.exec(bytes.toString("latin1", Math.max(from, lineEnd - 20), lineEnd));
    if (literal === null) return lineEnd + 2;
    from = lineEnd + 2 + Number(literal[1]);
    if (from > bytes.length) return -1;
  }
}
