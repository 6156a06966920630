// A bare SMTP or LMTP client for tests: one mail after the other on one connection, replies as they come.
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { within } from "./deadline.ts";
import type { Address } from "./server-process.ts";

export class RawSmtp {
  readonly socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket, lines: Interface) {
    this.socket = socket;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Connects and says hello (`LHLO` for LMTP). */
  static async connect(address: Address, options: { readonly lmtp?: boolean } = {}): Promise<RawSmtp> {
    const socket = connect(address);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    await within(once(socket, "connect"), "a connection");
    const client = new RawSmtp(socket, createInterface({ input: socket }));
    await client.reply();
    await client.command(options.lmtp === true ? "LHLO test" : "EHLO test");
    return client;
  }

  /** The next reply, its lines joined. */
  async reply(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await within(this.#lines.next(), "an SMTP reply");
      if (done === true) throw new Error("the connection ended before a reply");
      lines.push(value);
      if (!/^\d{3}-/.test(value)) return lines.join("\n");
    }
  }

  async command(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends a mail to one recipient; gives back the reply to its end of data. */
  async send(to: string, text: string, from = "sender@example.net"): Promise<string> {
    this.socket.write(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
    await this.reply();
    await this.reply();
    const go = await this.reply();
    if (!go.startsWith("354")) throw new Error(`no mail to ${to}: ${go}`);
    const stuffed = text.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");
    this.socket.write(`${stuffed}${stuffed.endsWith("\r\n") ? "" : "\r\n"}.\r\n`, "latin1");
    return this.reply();
  }

  close(): void {
    this.socket.destroy();
  }
}
