// A raw client for tests that read like transcripts. Lines of a script:
//   C: text       is sent with CRLF; several in a row go out in one write
//   C= "a\r\nb"   is sent as it stands, escapes as in JSON
//   S: text       must be the next line of the server; * stands for anything
//   S.            the server must have closed the connection, without another line
//   -- TLS        the client starts a TLS handshake
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { SecureVersion, TLSSocket } from "node:tls";
import { connect as connectTls } from "node:tls";

const DEADLINE_MS = 60_000;

/** A mail's content, of no line, behind its recipients. */
export const NO_CONTENT = `
  C: DATA
  S: 354 *
  C: .
  S: 250 *
`;

/** One connection of a test client. */
export class Dialogue {
  #socket: Socket;
  #received = "";
  #ended = false;
  #certificateName: string | undefined;
  #wake: () => void = () => {};
  readonly #said: string[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  static open(
    port: number,
    options: { readonly localAddress?: string; readonly allowHalfOpen?: boolean } = {},
  ): Dialogue {
    return new Dialogue(connect({ port, host: "127.0.0.1", ...options }));
  }

  /** TLS from the first byte on. */
  static openTls(port: number, options: { readonly maxVersion?: SecureVersion } = {}): Dialogue {
    const old = { minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
    return new Dialogue(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...old, ...options }));
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** What came and was not looked at yet. */
  get unread(): string {
    return this.#received;
  }

  /** The name in the server's certificate. */
  get certificateName(): string | undefined {
    return this.#certificateName;
  }

  /** Plays a script from where the dialogue stands. */
  async play(script: string): Promise<void> {
    let unsent = "";
    for (const line of script.split("\n").map((each) => each.trimStart())) {
      if (line.startsWith("C: ")) unsent += `${line.slice(3)}\r\n`;
      else if (line === "C:") unsent += "\r\n";
      else if (line.startsWith("C= ")) unsent += JSON.parse(line.slice(3)) as string;
      else {
        if (unsent !== "") this.send(unsent);
        unsent = "";
        await this.#step(line);
      }
    }
    if (unsent !== "") this.send(unsent);
  }

  send(text: string): void {
    this.#said.push(`C: ${JSON.stringify(text.slice(0, 500))}`);
    this.#socket.write(text, "utf8");
  }

  /** The next line of the server. */
  async line(): Promise<string> {
    await this.#until(() => this.#received.includes("\r\n") || this.#ended);
    const end = this.#received.indexOf("\r\n");
    if (end < 0) throw this.#error("the connection is closed");
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 2);
    this.#said.push(`S: ${line}`);
    return line;
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#ended);
    if (this.#received !== "") throw this.#error(`more was said: ${JSON.stringify(this.#received)}`);
  }

  /** Goes away without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #step(line: string): Promise<void> {
    if (line === "") return;
    if (line === "S.") return this.closed();
    if (line === "-- TLS") return this.#startTls();
    if (!line.startsWith("S: ")) throw new Error(`not a line of a script: ${line}`);
    const expected = line.slice(3);
    const actual = await this.line();
    const pattern = expected.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    if (!new RegExp(`^${pattern.join(".*")}$`).test(actual)) throw this.#error(`expected S: ${expected}`);
  }

  #startTls(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    this.#socket = socket;
    this.#listen(socket);
    return this.#until(() => this.#ended || this.#certificateName !== undefined);
  }

  #listen(socket: Socket): void {
    socket.on("data", (data) => {
      this.#received += data.toString("utf8");
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
    socket.on("secureConnect", () => {
      this.#certificateName = String((socket as TLSSocket).getPeerCertificate().subject.CN);
      this.#wake();
    });
  }

  async #until(done: () => boolean): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#error(`nothing for ${DEADLINE_MS} ms`)), DEADLINE_MS);
      this.#wake = () => {
        if (!done()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #error(text: string): Error {
    return new Error(`${text}\n${this.#said.join("\n")}`);
  }
}
