// A client that knows lines only: what it sends may be cut at every byte, and each line of the server is taken in order.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";
import { within } from "./deadline.ts";
import { turnsOfEventLoop } from "./seeded-random.ts";

/** How what the client sends is cut. */
export type Cut = "whole" | "byte by byte";

export class LineClient {
  #socket: Socket;
  #text = "";
  #hasEnded = false;
  #deflate: DeflateRaw | undefined;
  #inflate: InflateRaw | undefined;
  #notify: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async connect(address: { readonly host: string; readonly port: number }): Promise<LineClient> {
    const socket = connectTcp({ ...address, noDelay: true, allowHalfOpen: true });
    await within(once(socket, "connect"), "a connection");
    return new LineClient(socket);
  }

  async send(text: string | Buffer, cut: Cut): Promise<void> {
    const bytes = await this.#deflated(typeof text === "string" ? Buffer.from(text, "utf8") : text);
    if (cut === "whole") {
      this.#socket.write(bytes);
      return;
    }
    for (let i = 0; i < bytes.length; i++) {
      this.#socket.write(bytes.subarray(i, i + 1));
      await turnsOfEventLoop(1);
    }
  }

  /** The next line, without its end; undefined once the server has ended the connection. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.#hasEnded) return undefined;
      await within(new Promise<void>((resolve) => (this.#notify = resolve)), "a line of the server");
    }
  }

  /** Goes on deflated, in both directions. */
  startCompression(): void {
    const inflate = createInflateRaw();
    this.#socket.removeAllListeners("data").on("data", (data: Buffer) => inflate.write(data));
    inflate.on("data", (data: Buffer) => this.#take(data));
    this.#inflate = inflate;
    this.#deflate = createDeflateRaw();
  }

  /** Goes on without it. */
  endCompression(): void {
    this.#socket.removeAllListeners("data").on("data", (data: Buffer) => this.#take(data));
    this.#inflate = undefined;
    this.#deflate = undefined;
  }

  /** Goes on in TLS. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.removeAllListeners("data");
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...options });
    this.#socket = secured;
    this.#listen();
    await within(once(secured, "secureConnect"), "the end of the handshake");
    return secured;
  }

  /** Ends the client's side; answers still come. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #deflated(bytes: Buffer): Promise<Buffer> {
    const deflate = this.#deflate;
    if (deflate === undefined) return bytes;
    deflate.write(bytes);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return deflate.read() as Buffer;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#notify();
  }

  #take(data: Buffer): void {
    this.#text += data.toString("utf8");
    this.#notify();
  }

  #listen(): void {
    this.#socket.on("data", (data: Buffer) => this.#take(data));
    this.#socket.on("error", () => undefined);
    for (const event of ["end", "close"]) {
      this.#socket.on(event, () => {
        if (this.#inflate === undefined) this.#end();
        else this.#inflate.flush(() => this.#end());
      });
    }
  }
}
