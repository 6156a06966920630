// A fetched mail as people and programs want it: decoded, bounded, never failing on what a sender made up.
import type { FetchMessageObject, MessageAddressObject } from "imapflow";
import { simpleParser } from "mailparser";

/** One address of a header. */
export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** What is told of a mail. */
export interface MailView {
  readonly uid: number;
  /** When the server got it, ISO 8601. */
  readonly time: string;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly subject: string;
  readonly messageId: string;
  readonly size: number;
  readonly flags: readonly string[];
  /** The beginning of the text, white space made single. */
  readonly preview: string;
  readonly text: string;
  /** File names, or types where there is none. */
  readonly attachments: readonly string[];
  /** Whether only the beginning of the mail was read. */
  readonly cut: boolean;
}

const previewCharacters = 200;

/** Decodes what was fetched. */
export async function viewMail(mail: FetchMessageObject): Promise<MailView> {
  const { envelope = {}, source = Buffer.alloc(0), size = source.length } = mail;
  const { text, attachments } = await readBody(source);
  return {
    uid: mail.uid,
    time: isoTime(mail.internalDate),
    from: addresses(envelope.from),
    to: addresses(envelope.to),
    subject: envelope.subject ?? "",
    messageId: envelope.messageId ?? "",
    size,
    flags: [...(mail.flags ?? [])].filter((flag) => flag !== "\\Recent"),
    preview: Array.from(
      text
        .slice(0, previewCharacters * 4)
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
      .slice(0, previewCharacters)
      .join(""),
    text,
    attachments,
    cut: source.length < size,
  };
}

async function readBody(source: Buffer): Promise<Pick<MailView, "text" | "attachments">> {
  try {
    const { text = "", attachments } = await simpleParser(source, {
      skipTextToHtml: true,
      skipImageLinks: true,
      skipTextLinks: true,
      checksumAlgo: false,
    });
    return { text, attachments: attachments.map((part) => part.filename ?? part.contentType) };
  } catch (error) {
    // The parser refuses what goes over its bounds; the mail is there all the same.
    return { text: `[the text cannot be decoded: ${(error as Error).message}]`, attachments: [] };
  }
}

function isoTime(date: Date | string | undefined): string {
  const time = new Date(date ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

function addresses(list: readonly MessageAddressObject[] = []): readonly MailAddress[] {
  return list.map(({ name = "", address = "" }) => ({ name, address }));
}
