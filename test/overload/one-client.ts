// A client that does what a port is there for, once: logs in, or hands in a mail.
import { DEADLINE_MS, within } from "../support/deadline.ts";
import { LineClient } from "../support/line-client.ts";
import type { Address, Ready } from "../support/server-process.ts";

export type Port = Exclude<keyof Ready, "pid">;

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Is served in the end: the server may turn it away as long as those who came before have their time to log in. */
export async function served(port: Port, address: Address, login: Login): Promise<void> {
  let refusal = "";
  for (const untilMs = performance.now() + DEADLINE_MS; performance.now() < untilMs;) {
    refusal = await within(attempt(port, address, login), `an answer of ${port}`).catch(
      (error: Error) => error.message,
    );
    if (refusal === "") return;
  }
  throw new Error(`${port} served nobody: ${refusal}`);
}

/** Empty where it was served, else what the server said last. */
async function attempt(port: Port, address: Address, login: Login): Promise<string> {
  const client = await LineClient.connect(address);
  try {
    if (port === "imaps" || port === "submissions") await client.startTls();
    return await (port === "imap" || port === "imaps" ? logIn(client, login) : handIn(client, port, login));
  } finally {
    client.destroy();
  }
}

async function logIn(client: LineClient, { user, password }: Login): Promise<string> {
  await client.send(`a LOGIN ${user} ${password}\r\n`, "whole");
  for (;;) {
    const line = (await client.line()) ?? "nothing";
    if (line.startsWith("a OK")) return "";
    if (!line.startsWith("* OK")) return line;
  }
}

async function handIn(client: LineClient, port: Port, { user, password }: Login): Promise<string> {
  const plain = Buffer.from(`\0${user}\0${password}`).toString("base64");
  const commands = [
    port === "lmtp" ? "LHLO client.example" : "EHLO client.example",
    ...(port === "submission" || port === "submissions" ? [`AUTH PLAIN ${plain}`] : []),
    `MAIL FROM:<${user}>`,
    `RCPT TO:<${user}>`,
    "DATA",
    "Subject: served\r\n\r\n.",
  ];
  for (const command of ["", ...commands]) {
    if (command !== "") await client.send(`${command}\r\n`, "whole");
    const reply = await replyOf(client);
    if (!/^[23]/.test(reply)) return reply;
  }
  return "";
}

async function replyOf(client: LineClient): Promise<string> {
  for (;;) {
    const line = (await client.line()) ?? "nothing";
    if (!/^\d{3}-/.test(line)) return line;
  }
}
