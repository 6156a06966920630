// Mails that nodemailer writes, as our scanner and mailparser read them: two independent readers must agree.
import { expect, it } from "@jest/globals";
import {
  type BodyPart,
  decodeBody,
  decodeHeaderValue,
  type EnvelopeAddress,
  findParameter,
  MessageScanner,
  type MessageSummary,
} from "@pushmail/mailstore";
import fc from "fast-check";
import { type AddressObject, type EmailAddress, type ParsedMail, simpleParser } from "mailparser";
import { createTransport, type SendMailOptions } from "nodemailer";

/** What both readers can tell of a mail. */
interface Reading {
  readonly subject: string;
  readonly messageId: string;
  readonly date: string;
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly text: string;
  readonly html: string;
  /** Type, file name and decoded content (as base64) of each. */
  readonly attachments: readonly (readonly string[])[];
}

const ADDRESS_FIELDS = ["from", "to", "cc", "bcc", "replyTo"] as const;
const endOf = (text: string): string => text.replaceAll("\r\n", "\n").trimEnd();

function readAsWeDo(bytes: Buffer): Reading {
  const { envelope, structure } = scanInPieces(bytes);
  const leaves = leavesOf(structure);
  const bodyOf = ({ bodyStart, bodyEnd }: BodyPart): Buffer => bytes.subarray(bodyStart, bodyEnd);
  const textOf = (subtype: string): string => {
    const part = leaves.find((leaf) => leaf.type === "text" && leaf.subtype === subtype && leaf.disposition === null);
    return part === undefined ? "" : decodeBody(bodyOf(part), part.encoding, findParameter(part.parameters, "charset"));
  };
  return {
    subject: decodeHeaderValue(envelope.subject ?? ""),
    messageId: envelope.messageId ?? "",
    date: new Date(envelope.date ?? "").toISOString(),
    addresses: Object.fromEntries(ADDRESS_FIELDS.map((name) => [name, addressesOf(envelope, name)])),
    text: endOf(textOf("plain")),
    html: endOf(textOf("html")),
    attachments: leaves
      .filter(({ disposition }) => disposition !== null)
      .map((part) => [
        `${part.type}/${part.subtype}`,
        Buffer.from(findParameter(part.disposition?.parameters ?? [], "filename") ?? "", "latin1").toString(),
        part.encoding === "base64" ? bodyOf(part).toString().replaceAll("\r\n", "") : bodyOf(part).toString("base64"),
      ]),
  };
}

function scanInPieces(bytes: Buffer): MessageSummary {
  const scanner = new MessageScanner();
  for (let at = 0; at < bytes.length; at += 100) scanner.push(bytes.subarray(at, at + 100));
  return scanner.finish();
}

function leavesOf(part: BodyPart): readonly BodyPart[] {
  return part.parts.length === 0 ? [part] : part.parts.flatMap(leavesOf);
}

/** Reply-To stands for From where it is absent, which mailparser does not say. */
function addressesOf(envelope: MessageSummary["envelope"], name: (typeof ADDRESS_FIELDS)[number]): readonly string[] {
  if (name === "replyTo" && envelope.replyTo === envelope.from) return [];
  return envelope[name].map((address: EnvelopeAddress) => {
    if (address.host === null) return address.mailbox === null ? ";" : `${decodeHeaderValue(address.mailbox)}:`;
    return `${decodeHeaderValue(address.name ?? "")} <${decodeHeaderValue(`${address.mailbox}@${address.host}`)}>`;
  });
}

async function readAsMailparserDoes(bytes: Buffer): Promise<Reading> {
  const mail: ParsedMail = await simpleParser(bytes, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
  });
  return {
    subject: mail.subject ?? "",
    messageId: mail.messageId ?? "",
    date: mail.date?.toISOString() ?? "",
    addresses: Object.fromEntries(ADDRESS_FIELDS.map((name) => [name, shownBy(mail[name])])),
    text: endOf(mail.text ?? ""),
    html: endOf(mail.html === false ? "" : (mail.html ?? "")),
    attachments: mail.attachments.map(({ contentType, filename, content }) => [
      contentType,
      filename ?? "",
      content.toString("base64"),
    ]),
  };
}

function shownBy(field: AddressObject | AddressObject[] | undefined): readonly string[] {
  const show = ({ name, address, group }: EmailAddress): string[] =>
    group === undefined ? [`${name} <${address}>`] : [`${name}:`, ...group.flatMap(show), ";"];
  return [field ?? []].flat().flatMap(({ value }) => value.flatMap(show));
}

const phrase = fc
  .array(
    fc.constantFrom(
      "plain",
      "J\u00fcrgen",
      "\u65e5\u672c\u8a9e",
      "\u{1f600}",
      "=?x?=",
      "a,b",
      '"q"',
      "(c)",
      "Q.",
      "a@b",
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((words) => words.join(" "));
const text = fc
  .array(fc.oneof(phrase, fc.constantFrom("", "--", "--b", "From here", ".", "= =20", "x".repeat(200))), {
    maxLength: 12,
  })
  .map((lines) => [...lines, "end"].join("\n"));
const address = fc.record({
  name: fc.oneof(fc.constant(""), phrase),
  address: fc.constantFrom("a@example.org", "b.c+d@sub.example.org", "jos\u00e9@example.org", "x_y@[192.0.2.1]"),
});
const group = fc.constantFrom("Friends: a@example.org, Bob <b@example.org>;", "J\u00fcrgens:;");
const addresses = fc.array(fc.oneof({ weight: 4, arbitrary: address }, group), { maxLength: 4 });
const filename = fc.constantFrom("a.txt", "b c.pdf", "\u65e5\u672c.png", `${"long".repeat(30)}.bin`, 'quo"te;.txt');
const attachment = fc.oneof(
  fc.record({
    filename,
    content: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    contentType: fc.constantFrom("application/pdf", "image/png", "text/csv", "application/x-other"),
  }),
  fc.record({
    filename,
    content: text.map((body) =>
      Buffer.from(`Subject: inside\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\n${body}`),
    ),
    contentType: fc.constant("message/rfc822"),
    contentDisposition: fc.constant("attachment" as const),
  }),
);
const mail: fc.Arbitrary<SendMailOptions> = fc.record(
  {
    from: address,
    to: addresses,
    cc: addresses,
    bcc: addresses,
    replyTo: fc.array(address, { minLength: 1, maxLength: 2 }),
    subject: phrase,
    text,
    html: text.map((body) => `<p>${body}</p>`),
    attachments: fc.array(attachment, { maxLength: 4 }),
    textEncoding: fc.constantFrom("quoted-printable", "base64"),
  },
  { requiredKeys: ["from", "text"] },
);

it("is read by the scanner as by mailparser", async () => {
  await fc.assert(
    fc.asyncProperty(mail, async (options) => {
      const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
      const bytes = (await transport.sendMail({ keepBcc: true, ...options } as SendMailOptions)).message as Buffer;
      expect(readAsWeDo(bytes)).toEqual(await readAsMailparserDoes(bytes));
    }),
    { numRuns: 150 },
  );
});
