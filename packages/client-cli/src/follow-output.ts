// How mails and events of a followed mailbox are printed: one line, the full text, or JSON; always safe to show.
import type { MailboxEvent } from "./mailbox-table.ts";
import type { MailView } from "./mail-view.ts";
import type { Colors } from "./print.ts";
import { clip, visibleJson, visibleLine, visibleText } from "./visible.ts";

/** What to print of a mail. */
export interface OutputStyle {
  readonly json: boolean;
  readonly full: boolean;
  /** Says which mailbox, for there are several. */
  readonly nameMailbox: boolean;
  readonly colors: Colors;
  /** The width of the terminal, if it is one. */
  readonly columns: number | undefined;
}

/** Where a mail or an event belongs. */
export interface MailboxName {
  readonly mailbox: string;
  readonly uidValidity: string;
}

const fromCharacters = 30;
const subjectCharacters = 60;
const previewCharacters = 100;

/** Renders a mail. */
export function renderMail(mail: MailView, at: MailboxName, style: OutputStyle): string {
  const { text, attachments, cut, ...summary } = mail;
  if (style.json) {
    return visibleJson({ event: "mail", ...at, ...summary, ...(style.full ? { text, attachments, cut } : {}) });
  }
  return style.full ? renderFull(mail, at, style) : renderLine(mail, at, style);
}

/** Renders a flag change or an expunge. */
export function renderEvent(event: MailboxEvent, mailbox: string, style: OutputStyle): string {
  if (style.json) return visibleJson({ ...event, mailbox });
  const flags = event.event === "flags" ? `  ${visibleLine(event.flags.join(" ")) || "(none)"}` : "";
  return style.colors.dim(`${mailboxLabel(mailbox, style)}${event.event} uid ${event.uid}${flags}`);
}

function renderLine(mail: MailView, at: MailboxName, style: OutputStyle): string {
  const { colors } = style;
  const time = localTime(mail.time);
  const mailbox = mailboxLabel(at.mailbox, style);
  const from = clip(sender(mail), fromCharacters).padEnd(style.columns === undefined ? 0 : fromCharacters);
  const subject = clip(visibleLine(mail.subject) || "(no subject)", subjectCharacters);
  const used = mailbox.length + time.length + from.length + subject.length + 6;
  const room = Math.min(style.columns === undefined ? previewCharacters : style.columns - used, previewCharacters);
  const preview = room > 0 ? clip(visibleLine(mail.preview), room) : "";
  const head = `${mailbox}${colors.dim(time)}  ${colors.cyan(from)}  ${colors.bold(subject)}`;
  return preview === "" ? head : `${head}  ${colors.dim(preview)}`;
}

function renderFull(mail: MailView, at: MailboxName, style: OutputStyle): string {
  const { colors } = style;
  const lines = [
    colors.bold(`${mailboxLabel(at.mailbox, style)}${visibleLine(mail.subject) || "(no subject)"}`),
    colors.dim(`From: ${sender(mail)}`),
    colors.dim(`To: ${mail.to.map(({ name, address }) => addressText(name, address)).join(", ")}`),
    colors.dim(`Date: ${localTime(mail.time)}  UID: ${mail.uid}  Size: ${mail.size}`),
    ...mail.attachments.map((name) => colors.dim(`Attachment: ${visibleLine(name)}`)),
    "",
    visibleText(mail.text).trimEnd(),
    ...(mail.cut ? [colors.dim("[the mail goes on]")] : []),
    "",
  ];
  return lines.join("\n");
}

function mailboxLabel(mailbox: string, style: OutputStyle): string {
  return style.nameMailbox ? `${visibleLine(mailbox)}  ` : "";
}

function sender(mail: MailView): string {
  const [first] = mail.from;
  return first === undefined ? "(no sender)" : addressText(first.name, first.address);
}

function addressText(name: string, address: string): string {
  return visibleLine(name === "" ? address : `${name} <${address}>`);
}

function localTime(iso: string): string {
  if (iso === "") return "(no time)";
  const time = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
