// From the options of `send` to the mails it sends: composed, or a raw file as it is.
import { createReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import type { Readable } from "node:stream";
import { simpleParser } from "mailparser";
import type { AddressObject } from "mailparser";
import type { SendMailOptions } from "nodemailer";
import { CommandFault, exitCodes, usageFault } from "./command-fault.ts";
import type { CliIo } from "./command.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";
import type { Options } from "./options.ts";

/** Names of the options that make a mail. */
export type ComposeOption = "from" | "to" | "cc" | "bcc" | "subject" | "text" | "html" | "file" | "attach";

/** Gives the mail of a number; `count` is how many there will be. */
export type Composer = (number: number, count: number) => SendMailOptions;

/** What composing needs beside the options. */
export interface ComposeSurroundings {
  readonly io: CliIo;
  readonly endpoint: Endpoint;
  readonly limits: ClientLimits;
}

/** Reads all input once and checks it; what is returned cannot fail. */
export async function prepareMails(options: Options<ComposeOption>, around: ComposeSurroundings): Promise<Composer> {
  const file = options.text("file");
  return file === undefined ? composedMails(options, around) : rawMails(file, options, around);
}

async function composedMails(options: Options<ComposeOption>, around: ComposeSurroundings): Promise<Composer> {
  const [to, cc, bcc] = [options.list("to"), options.list("cc"), options.list("bcc")];
  const recipients = [...to, ...cc, ...bcc];
  if (recipients.length === 0) throw usageFault("no recipient: give --to");
  const wrong = recipients.find((recipient) => !recipient.includes("@"));
  if (wrong !== undefined) throw usageFault(`not a mail address: "${wrong}"`);
  const paths = options.list("attach");
  await Promise.all(paths.map(checkReadable));
  const html = options.text("html");
  const text = options.text("text") ?? (html === undefined ? await readInput(around) : undefined);
  const subject = options.text("subject") ?? "";
  const mail = {
    from: options.text("from") ?? defaultSender(around),
    to: [...to],
    cc: [...cc],
    bcc: [...bcc],
    attachments: paths.map((path) => ({ path })),
  };
  return (number, count) => {
    const mark = count > 1 ? `${number}/${count}` : "";
    return {
      ...mail,
      subject: `${subject} ${mark}`.trim(),
      ...(text === undefined ? {} : { text: mark === "" ? text : `${text}\n\n${mark}\n` }),
      ...(html === undefined ? {} : { html: mark === "" ? html : `${html}<p>${mark}</p>` }),
    };
  };
}

async function rawMails(
  file: string,
  options: Options<ComposeOption>,
  { limits }: ComposeSurroundings,
): Promise<Composer> {
  for (const name of ["cc", "bcc", "subject", "text", "html", "attach"] as const) options.oneOf("file", name);
  await checkReadable(file);
  const raw = await readBounded(createReadStream(file), limits.inputBytesMax);
  const head = raw.subarray(0, endOfHead(raw));
  const { from, to, cc, bcc, messageId } = await simpleParser(head).catch((error: Error) => {
    throw new CommandFault(exitCodes.failed, `the header of ${file} cannot be read: ${error.message}`);
  });
  const recipients = options.given("to") ? options.list("to") : addressesOf([to, cc, bcc].flat());
  if (recipients.length === 0) throw usageFault(`no recipient in ${file}: give --to`);
  const sender = options.text("from") ?? addressesOf([from])[0];
  if (sender === undefined) throw usageFault(`no sender in ${file}: give --from`);
  return () => ({ envelope: { from: sender, to: [...recipients] }, raw, ...(messageId ? { messageId } : {}) });
}

function defaultSender({ io, endpoint }: ComposeSurroundings): string {
  const user = endpoint.login?.user ?? io.env["USER"] ?? "nobody";
  return user.includes("@") ? user : `${user}@localhost`;
}

async function readInput({ io, limits }: ComposeSurroundings): Promise<string> {
  if ((io.stdin as { isTTY?: boolean }).isTTY) io.stderr.write("The text, ended with Ctrl-D on a line of its own:\n");
  const stdin = addAbortSignal(io.signal, io.stdin);
  return (await readBounded(stdin, limits.inputBytesMax)).toString("utf8");
}

async function readBounded(stream: Readable, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk as string));
    bytes += chunk.length;
    if (bytes > bytesMax) throw new CommandFault(exitCodes.failed, `the mail is larger than ${bytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory()) throw new Error(`${path} is a directory`);
  } catch (error) {
    throw new CommandFault(exitCodes.failed, `cannot read the file: ${(error as Error).message}`);
  }
}

function endOfHead(raw: Buffer): number {
  const ends = ["\r\n\r\n", "\n\n"].map((blank) => raw.indexOf(blank)).filter((at) => at >= 0);
  return ends.length === 0 ? raw.length : Math.min(...ends) + 2;
}

function addressesOf(headers: readonly (AddressObject | undefined)[]): readonly string[] {
  const entries = headers.flatMap((header) => header?.value ?? []);
  return entries.flatMap(({ address, group = [] }) =>
    [address, ...group.map((member) => member.address)].flatMap((each) => each || []),
  );
}
