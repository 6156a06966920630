// A socket read line by line: as little as there can be between the wire and the clock.
import { connect, type Socket } from "node:net";
import { once } from "node:events";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Waiter {
  readonly fits: (line: string) => boolean;
  readonly found: (arrival: Arrival) => void;
  readonly failed: (error: Error) => void;
}

/** A line and when its last byte was read, in milliseconds of `performance.now()`. */
export interface Arrival {
  readonly line: string;
  readonly atMs: number;
}

export class LineClient {
  readonly socket: Socket;
  #rest = "";
  #lines: Arrival[] = [];
  #waiter: Waiter | null = null;
  #gone: Error | null = null;
  #listener: ((text: string, atMs: number) => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#take(text, performance.now()));
    socket.on("error", (error) => (this.#gone = error));
    socket.on("end", () => (this.#gone ??= new Error("the server closed the connection")));
    socket.on("close", () => this.#fail());
  }

  static async connect(endpoint: Endpoint): Promise<LineClient> {
    const socket = connect(endpoint);
    const client = new LineClient(socket);
    await once(socket, "connect");
    return client;
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Takes lines until one fits, and gives that one. */
  until(fits: (line: string) => boolean): Promise<Arrival> {
    return new Promise((resolve, reject) => {
      this.#waiter = { fits, found: resolve, failed: reject };
      this.#serve();
      if (this.socket.destroyed) this.#fail();
    });
  }

  /** From now on whatever comes goes to the listener, as it comes. */
  listen(listener: (text: string, atMs: number) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.socket.destroy();
  }

  /** Whoever waits learns that the server is gone; after `close` nobody waits any more. */
  #fail(): void {
    if (this.#gone !== null) this.#waiter?.failed(this.#gone);
    this.#waiter = null;
  }

  #take(text: string, atMs: number): void {
    if (this.#listener !== null) {
      this.#listener(text, atMs);
      return;
    }
    const lines = (this.#rest + text).split("\r\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#lines.push({ line, atMs });
    this.#serve();
  }

  #serve(): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    const index = this.#lines.findIndex(({ line }) => waiter.fits(line));
    if (index < 0) {
      this.#lines = [];
      return;
    }
    const [arrival] = this.#lines.splice(0, index + 1).slice(-1);
    this.#waiter = null;
    waiter.found(arrival as Arrival);
  }
}

/** An IMAP session that is logged in. */
export async function openImap(endpoint: Endpoint, user: string, password: string): Promise<LineClient> {
  const client = await LineClient.connect(endpoint);
  await client.until((line) => line.startsWith("* OK"));
  await commandOn(client, `LOGIN ${user} ${password}`);
  return client;
}

/** An IMAP session in IDLE on INBOX. */
export async function openIdle(endpoint: Endpoint, user: string, password: string): Promise<LineClient> {
  const client = await openImap(endpoint, user, password);
  await commandOn(client, "SELECT INBOX");
  client.write("c IDLE\r\n");
  await client.until((line) => line.startsWith("+"));
  return client;
}

async function commandOn(client: LineClient, command: string): Promise<void> {
  client.write(`a ${command}\r\n`);
  const { line } = await client.until((reply) => reply.startsWith("a "));
  if (!line.startsWith("a OK")) throw new Error(`${command}: ${line}`);
}

/** An LMTP connection that said hello. */
export async function openLmtp(endpoint: Endpoint): Promise<LineClient> {
  const client = await LineClient.connect(endpoint);
  await client.until((line) => line.startsWith("220 "));
  client.write("LHLO bench\r\n");
  await client.until((line) => line.startsWith("250 "));
  return client;
}
