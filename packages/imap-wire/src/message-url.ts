// URLs of messages and of parts of them (RFC 5092 11), as CATENATE takes them (RFC 4469 3): relative to the account, and
// from the mailbox on.
import { inboxInCapitals } from "./mailbox-name.ts";
import { Scanner } from "./scanner.ts";
import type { PartialRange, Section } from "./section.ts";
import { parseSection, printSection } from "./section.ts";
import { SyntaxFault } from "./syntax-fault.ts";

export interface MessageUrl {
  readonly mailbox: string;
  /** Null where any will do. */
  readonly uidValidity: number | null;
  readonly uid: number;
  readonly section: Section;
  readonly partial: PartialRange | null;
}

const ALL: Section = { part: [], text: null, fields: [] };
/** RFC 5092 11: what is not of these is percent-encoded. */
const CHARS = /^(?:[A-Za-z0-9\-._~!$'()*+,&=:@/;]|%[0-9A-Fa-f]{2})+$/;
/** RFC 5092 7.2: no reference that begins with anything but one slash is taken. */
const FORM =
  /^\/(?!\/)([^;]+?)(?:;UIDVALIDITY=(\d+))?\/;UID=(\d+)(?:\/;SECTION=([^;]+?))?(?:\/;PARTIAL=(\d+)(?:\.(\d+))?)?$/i;
const NUMBER_MAX = 2 ** 32 - 1;

/** What a URL means; undefined where it is none of a message on this server. */
export function parseMessageUrl(url: string): MessageUrl | undefined {
  const form = CHARS.test(url) ? FORM.exec(url) : null;
  if (form === null) return undefined;
  const [, encodedMailbox = "", validity, uid, encodedSection, offset, octets] = form;
  const mailbox = decoded(encodedMailbox);
  const section = encodedSection === undefined ? ALL : sectionOf(decoded(encodedSection));
  const numbers = [validity ?? 1, uid].map(Number);
  const isInRange = numbers.every((number) => number >= 1 && number <= NUMBER_MAX) && octets !== "0";
  if (mailbox === undefined || section === undefined || !isInRange) return undefined;
  const uidValidity = validity === undefined ? null : Number(validity);
  const partial = offset === undefined ? null : { offset: bounded(offset), octets: bounded(octets) };
  return { mailbox: inboxInCapitals(mailbox), uidValidity, uid: Number(uid), section, partial };
}

/** Without a number all that there is. */
function bounded(digits: string | undefined): number {
  return Math.min(Number(digits ?? Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** RFC 5092 8: names are in UTF-8. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function sectionOf(text: string | undefined): Section | undefined {
  if (text === undefined) return undefined;
  const scan = new Scanner({ text: `[${text}]`, literals: [] });
  try {
    const section = parseSection(scan);
    return scan.atEnd ? section : undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

export function printMessageUrl({ mailbox, uidValidity, uid, section, partial }: MessageUrl): string {
  const validity = uidValidity === null ? "" : `;UIDVALIDITY=${uidValidity}`;
  const printed = printSection(section).slice(1, -1);
  const part = printed === "" ? "" : `/;SECTION=${encodeURIComponent(printed)}`;
  const range = partial === null ? "" : `/;PARTIAL=${partial.offset}.${partial.octets}`;
  return `/${encodeURIComponent(mailbox)}${validity}/;UID=${uid}${part}${range}`;
}
