// What an attacker in the middle slips in before TLS has no effect behind it, in either direction, and what a client
// sends before its turn is no command: STARTTLS and AUTH on every listener that has them.
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ImapFlow } from "imapflow";
import { createTransport } from "nodemailer";
import { ALICE, AttackedServer, PASSWORD } from "../support/attacked-server.ts";
import { within } from "../support/deadline.ts";
import { LineClient } from "../support/line-client.ts";
import type { Address } from "../support/server-process.ts";
import { TEST_CERTIFICATE } from "../support/test-certificate.ts";

const PLAIN = Buffer.from(`\0${ALICE}\0${PASSWORD}`).toString("base64");
const TLS_RECORD_OF_HANDSHAKE = 0x16;

let server: AttackedServer;

beforeAll(async () => {
  server = await AttackedServer.start({ smtp: { authFailureDelayMs: 0 }, login: { loginDelayMs: 0 } });
});

afterAll(() => server.stop());

/** Takes lines up to one that begins so. */
async function until(client: LineClient, beginning: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await client.line();
    if (line === undefined) throw new Error(`the connection ended before ${beginning}: ${lines.join(" | ")}`);
    lines.push(line);
    if (line.startsWith(beginning)) return lines;
  }
}

interface Starttls {
  readonly listener: "smtp" | "submission" | "lmtp" | "imap";
  readonly hello: string;
  /** How the answers to the greeting, to `hello` and to STARTTLS begin, the last line of each. */
  readonly greeted: string;
  readonly welcomed: string;
  readonly agreed: string;
  /** Slipped in behind STARTTLS; each would be answered, or would change what comes behind it. */
  readonly injected: readonly string[];
  /** What is asked in TLS, and the whole answer. */
  readonly asked: string;
  readonly answer: readonly string[];
}

const SMTP = {
  hello: "EHLO client.example",
  greeted: "220 ",
  welcomed: "250 ",
  agreed: "220 ",
  injected: [
    "EHLO evil.example\r\n",
    "MAIL FROM:<evil@example.net>\r\nRCPT TO:<alice@example.org>\r\n",
    `AUTH PLAIN ${PLAIN}\r\n`,
    "NOOP\r\n".repeat(300),
    "EHLO evil",
    "\r\n",
  ],
  // Nobody has said hello in TLS: an injected EHLO or MAIL must not count.
  asked: "RCPT TO:<alice@example.org>\r\nNOOP",
  answer: ["503 5.5.1 Error: send HELO/EHLO first", "250 2.0.0 OK"],
};

const STARTTLS: readonly Starttls[] = [
  { listener: "smtp", ...SMTP },
  { listener: "submission", ...SMTP },
  {
    listener: "lmtp",
    ...SMTP,
    hello: "LHLO client.example",
    injected: SMTP.injected.map((bytes) => bytes.replace("EHLO", "LHLO")),
    answer: ["503 5.5.1 Error: send LHLO first", "250 2.0.0 OK"],
  },
  {
    listener: "imap",
    hello: "h NOOP",
    greeted: "* OK",
    welcomed: "h OK",
    agreed: "s OK",
    injected: [
      `x LOGIN ${ALICE} ${PASSWORD}\r\n`,
      `x LOGIN ${ALICE} {${PASSWORD.length}+}\r\n${PASSWORD}\r\n`,
      "x NOOP\r\n".repeat(300),
      "x LOGIN alice@example.org ",
      "x LOGIN {6+}\r\nali",
      "\r\n",
    ],
    // Were the injected login carried out, this would be possible; were half of it kept, it would be read with it.
    asked: 'l LIST "" *\r\nn NOOP',
    answer: ["l BAD LIST is not possible before login", "n OK NOOP completed"],
  },
];

const CASES = STARTTLS.flatMap((at) => at.injected.map((injected) => [at.listener, injected, at] as const));

describe("behind STARTTLS in the same segment", () => {
  it.each(CASES)("%s drops %j", async (listener, injected, { hello, greeted, welcomed, agreed, asked, answer }) => {
    const client = await LineClient.connect(server.address(listener));
    await until(client, greeted);
    await client.send(`${hello}\r\n`, "whole");
    await until(client, welcomed);
    const command = listener === "imap" ? "s STARTTLS" : "STARTTLS";
    await client.send(`${command}\r\n${injected}`, "whole");
    expect(await until(client, agreed)).toHaveLength(1);
    await client.startTls();
    await client.send(`${asked}\r\n`, "whole");
    const answers = [];
    for (const _ of answer) answers.push(await client.line());
    expect(answers).toEqual(answer);
    client.destroy();
  });

  it("a mail begun in clear is not one in TLS", async () => {
    const client = await LineClient.connect(server.address("smtp"));
    await until(client, "220 ");
    await client.send("EHLO a\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<alice@example.org>\r\nSTARTTLS\r\n", "whole");
    await until(client, "220 ");
    await client.startTls();
    await client.send("EHLO a\r\nDATA\r\n", "whole");
    await until(client, "250 ");
    expect(await client.line()).toBe("503 5.5.1 Error: need RCPT command");
    client.destroy();
  });
});

describe("between its agreement and the handshake", () => {
  it.each(STARTTLS)("$listener says nothing in clear", async ({ listener, hello, greeted, welcomed, agreed }) => {
    const wire = await Wire.tap(server.address(listener));
    const client = await LineClient.connect(wire.address);
    await until(client, greeted);
    await client.send(`${hello}\r\n`, "whole");
    await until(client, welcomed);
    const [command, noise] = listener === "imap" ? ["s STARTTLS", "x NOOP\r\n"] : ["STARTTLS", "NOOP\r\n"];
    await client.send(`${command}\r\n${noise.repeat(3)}`, "whole");
    const [agreement] = (await until(client, agreed)).slice(-1);
    await client.startTls();
    // The very next octet behind the line is the handshake's.
    const line = `${agreement}\r\n`;
    expect(wire.bytes[wire.bytes.indexOf(line) + line.length]).toBe(TLS_RECORD_OF_HANDSHAKE);
    client.destroy();
    wire.close();
  });
});

describe("answers that are slipped in before the handshake", () => {
  it("are not believed by the client of `pushmail send`", async () => {
    const smtp = await ClearThenTls.listen("220 ready", {
      EHLO: "250-STARTTLS\r\n250 8BITMIME",
      // Were it taken for the answer to EHLO in TLS, no mail would be small enough.
      STARTTLS: "220 go on\r\n250 SIZE 1",
      MAIL: "250 ok",
      RCPT: "250 ok",
      DATA: "354 go on",
      ".": "250 taken",
    });
    const transport = createTransport({ ...smtp.address, requireTLS: true, tls: { rejectUnauthorized: false } });
    const { response } = await transport.sendMail({ from: "a@example.net", to: ALICE, text: "hello" });
    expect(response).toBe("250 taken");
    expect(smtp.inTls).toEqual(expect.arrayContaining(["EHLO", "MAIL", "RCPT", "DATA"]));
    smtp.close();
  });

  it("make the client of `pushmail tail` give up", async () => {
    const imap = await ClearThenTls.listen("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready", {
      STARTTLS: "$ OK go on\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED",
      LOGIN: "$ OK welcome",
    });
    const client = new ImapFlow({
      ...imap.address,
      secure: false,
      doSTARTTLS: true,
      auth: { user: ALICE, pass: PASSWORD },
      tls: { rejectUnauthorized: false },
      logger: false,
    });
    await expect(within(client.connect(), "the end of the attack")).rejects.toThrow("plaintext-injection");
    expect(imap.inTls).toEqual([]);
    client.close();
    imap.close();
  });
});

describe("AUTH and what is sent behind it in one segment", () => {
  it("a command is not carried out while the exchange waits for its line", async () => {
    const client = await LineClient.connect(server.address("submission"));
    await until(client, "220 ");
    await client.send(`EHLO a\r\nAUTH PLAIN\r\nMAIL FROM:<${ALICE}>\r\nNOOP\r\n`, "whole");
    await until(client, "250 ");
    expect(await client.line()).toBe("334 ");
    expect(await client.line()).toMatch(/^5\d\d /);
    expect(await client.line()).toBe("250 2.0.0 OK");
    client.destroy();
  });

  it("a mail behind a failed AUTH is refused", async () => {
    const client = await LineClient.connect(server.address("submission"));
    await until(client, "220 ");
    const wrong = Buffer.from(`\0${ALICE}\0wrong`).toString("base64");
    const mail = `MAIL FROM:<${ALICE}>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\n`;
    await client.send(`EHLO a\r\nAUTH PLAIN ${wrong}\r\n${mail}`, "whole");
    await until(client, "250 ");
    expect(await client.line()).toBe("535 5.7.8 wrong user name or password");
    for (const _ of "123") expect(await client.line()).toMatch(/^530 5\.7\.0 /);
    client.destroy();
  });

  it("IMAP takes the line for the exchange's, and commands for those of whoever is logged in by then", async () => {
    const client = await LineClient.connect(server.address("imap"));
    await until(client, "* OK");
    await client.send('a AUTHENTICATE PLAIN\r\nb LIST "" INBOX\r\nc NOOP\r\n', "whole");
    expect(await until(client, "c OK")).toEqual(["+ ", "a BAD Expected base64", "c OK NOOP completed"]);
    const wrong = Buffer.from(`\0${ALICE}\0wrong`).toString("base64");
    await client.send(`d AUTHENTICATE PLAIN ${wrong}\r\ne SELECT INBOX\r\n`, "whole");
    expect(await until(client, "e ")).toEqual([
      "d NO [AUTHENTICATIONFAILED] wrong user name or password",
      "e BAD SELECT is not possible before login",
    ]);
    await client.send(`f AUTHENTICATE PLAIN ${PLAIN}\r\ng SELECT INBOX\r\n`, "whole");
    expect((await until(client, "g ")).at(-1)).toBe("g OK [READ-WRITE] SELECT completed");
    client.destroy();
  });
});

/** A way to a server on which all that it says is seen. */
class Wire {
  bytes: Buffer = Buffer.alloc(0);
  readonly address: Address;
  readonly #close: () => void;

  private constructor(address: Address, close: () => void) {
    this.address = address;
    this.#close = close;
  }

  static async tap(target: Address): Promise<Wire> {
    const listener = createServer((client) => {
      const there = connectTcp(target);
      there.on("data", (data: Buffer) => {
        wire.bytes = Buffer.concat([wire.bytes, data]);
      });
      there.pipe(client).pipe(there);
      for (const socket of [client, there]) socket.on("error", () => [client, there].map((each) => each.destroy()));
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as { port: number };
    const wire = new Wire({ host: "127.0.0.1", port }, () => listener.close());
    return wire;
  }

  close(): void {
    this.#close();
  }
}

/** A server in the hands of an attacker up to STARTTLS, and an honest one behind it. */
class ClearThenTls {
  readonly address: Address;
  /** The commands that came in TLS. */
  readonly inTls: string[] = [];
  readonly #replies: Readonly<Record<string, string>>;
  readonly #close: () => void;

  private constructor(address: Address, replies: Readonly<Record<string, string>>, close: () => void) {
    this.address = address;
    this.#replies = replies;
    this.#close = close;
  }

  /** Replies by command; `$` stands for its tag. */
  static async listen(greeting: string, replies: Readonly<Record<string, string>>): Promise<ClearThenTls> {
    const listener = createServer((socket) => {
      socket.write(`${greeting}\r\n`);
      attacked.#converse(socket);
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as { port: number };
    const attacked = new ClearThenTls({ host: "127.0.0.1", port }, replies, () => listener.close());
    return attacked;
  }

  close(): void {
    this.#close();
  }

  #converse(socket: Socket): void {
    let text = "";
    const isTls = socket instanceof TLSSocket;
    socket.on("error", () => undefined);
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const words = text.slice(0, end).split(" ");
        text = text.slice(end + 2);
        const at = words.findIndex((word) => word.toUpperCase() in this.#replies);
        if (at < 0) continue;
        const command = (words[at] as string).toUpperCase();
        if (isTls) this.inTls.push(command);
        const reply = (this.#replies[command] as string).replaceAll("$", words[0] as string);
        socket.write(`${reply}\r\n`);
        if (command !== "STARTTLS") continue;
        socket.removeAllListeners("data");
        this.#converse(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(TEST_CERTIFICATE) }));
      }
    });
  }
}
