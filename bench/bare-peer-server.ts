// The least that Node can do of a push mail server's work: takes LMTP, appends to one file with one fdatasync for all
// that waits, and writes one line to each session in IDLE. No mail store, no parsing, no accounts.
// Usage: bare-peer-server.js FILE, or `-` to keep nothing; prints `ready {"lmtp":PORT,"imap":PORT}`.
import { open, type FileHandle } from "node:fs/promises";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";

const [path = "-"] = process.argv.slice(2);
const file: FileHandle | null = path === "-" ? null : await open(path, "a");

interface Mailbox {
  messages: number;
  readonly idle: Set<Socket>;
}

interface Waiting {
  readonly body: string;
  readonly mailbox: Mailbox;
  readonly stored: () => void;
}

const mailboxes = new Map<string, Mailbox>();
let waiting: Waiting[] = [];
let isWriting = false;

function mailboxOf(user: string): Mailbox {
  const known = mailboxes.get(user);
  if (known !== undefined) return known;
  const mailbox: Mailbox = { messages: 0, idle: new Set() };
  mailboxes.set(user, mailbox);
  return mailbox;
}

/** Whatever waits when a write ends goes into the next one. */
async function writeWaiting(): Promise<void> {
  if (isWriting) return;
  isWriting = true;
  while (waiting.length > 0) {
    const group = waiting;
    waiting = [];
    if (file !== null) {
      await file.appendFile(Buffer.from(group.map(({ body }) => body).join(""), "latin1"));
      await file.datasync();
    }
    for (const { mailbox, stored } of group) {
      const line = `* ${++mailbox.messages} EXISTS\r\n`;
      for (const socket of mailbox.idle) socket.write(line, "latin1");
      stored();
    }
  }
  isWriting = false;
}

function speakLmtp(socket: Socket): void {
  let mailbox = mailboxOf("");
  let body: string | null = null;
  const deliver = (text: string): void => {
    waiting.push({ body: text, mailbox, stored: () => socket.write("250 stored\r\n", "latin1") });
    void writeWaiting();
  };
  const command = (line: string): void => {
    if (line.startsWith("RCPT")) mailbox = mailboxOf(/<(.*)>/.exec(line)?.[1] ?? "");
    if (line === "DATA") body = "";
    socket.write(line === "DATA" ? "354 go on\r\n" : "250 fine\r\n", "latin1");
  };
  let rest = "";
  converse(socket, "220 bare", (text) => {
    if (body !== null) {
      body += text;
      if (!body.endsWith("\r\n.\r\n")) return;
      const whole = body;
      body = null;
      deliver(whole);
      return;
    }
    const lines = (rest + text).split("\r\n");
    rest = lines.pop() as string;
    for (const line of lines) command(line);
  });
}

function speakImap(socket: Socket): void {
  let mailbox = mailboxOf("");
  const command = (line: string): void => {
    const [tag = "", name = "", argument = ""] = line.split(" ");
    if (name === "LOGIN") mailbox = mailboxOf(argument);
    if (name === "IDLE") {
      mailbox.idle.add(socket);
      socket.write("+ idling\r\n");
      return;
    }
    const told = name === "STATUS" ? `* STATUS INBOX (MESSAGES ${mailbox.messages})\r\n` : "";
    const exists = name === "SELECT" ? `* ${mailbox.messages} EXISTS\r\n` : "";
    socket.write(`${told}${exists}${tag} OK done\r\n`, "latin1");
  };
  socket.once("close", () => mailbox.idle.delete(socket));
  let rest = "";
  converse(socket, "* OK bare", (text) => {
    const lines = (rest + text).split("\r\n");
    rest = lines.pop() as string;
    for (const line of lines) command(line);
  });
}

function converse(socket: Socket, greeting: string, take: (text: string) => void): void {
  socket.setNoDelay(true);
  socket.setEncoding("latin1");
  socket.on("error", () => undefined);
  socket.on("data", take);
  socket.write(`${greeting}\r\n`, "latin1");
}

async function listen(speak: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer(speak).listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const ports = { lmtp: await listen(speakLmtp), imap: await listen(speakImap) };
process.stdout.write(`ready ${JSON.stringify(ports)}\n`);
