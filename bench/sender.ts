// An LMTP client as lean as can be: one write to ask, one to send.
import { type Endpoint, type LineClient, openLmtp } from "./line-client.ts";

const LINE = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrst\r\n";
const HEADER_BYTES = 160;

/** When a mail's end of data was sent and when its reply was read, in `performance.now()`. */
export interface Sent {
  readonly sentAtMs: number;
  readonly acceptedAtMs: number;
}

export class Sender {
  readonly #lmtp: LineClient;
  readonly #body: string;
  #number = 0;

  private constructor(lmtp: LineClient, bytes: number) {
    this.#lmtp = lmtp;
    this.#body = LINE.repeat(Math.ceil((bytes - HEADER_BYTES) / LINE.length));
  }

  /** A connection whose mails have about `bytes` octets. */
  static async open(endpoint: Endpoint, bytes: number): Promise<Sender> {
    return new Sender(await openLmtp(endpoint), bytes);
  }

  /** Delivers one mail; throws where it is not accepted. */
  async send(user: string): Promise<Sent> {
    return this.sendToAll([user]);
  }

  /** Delivers one mail to many recipients; throws where one of them does not get it. */
  async sendToAll(users: readonly string[]): Promise<Sent> {
    const lmtp = this.#lmtp;
    const recipients = users.map((user) => `RCPT TO:<${user}>\r\n`).join("");
    lmtp.write(`MAIL FROM:<sender@example.net>\r\n${recipients}DATA\r\n`);
    await lmtp.until((line) => line.startsWith("354") || refuses(line));
    const id = `<${++this.#number}.${process.hrtime.bigint()}@bench>`;
    const head = `From: bench@example.net\r\nTo: ${users[0]}\r\nSubject: mail ${this.#number}\r\nMessage-ID: ${id}\r\n\r\n`;
    lmtp.write(head + this.#body);
    const sentAtMs = performance.now();
    lmtp.write(".\r\n");
    let acceptedAtMs = sentAtMs;
    for (const user of users) {
      const { line, atMs } = await lmtp.until((reply) => reply.startsWith("250 ") || refuses(reply));
      if (refuses(line)) throw new Error(`${user}: ${line}`);
      acceptedAtMs = atMs;
    }
    return { sentAtMs, acceptedAtMs };
  }

  close(): void {
    this.#lmtp.close();
  }
}

function refuses(line: string): boolean {
  return line.startsWith("4") || line.startsWith("5");
}
