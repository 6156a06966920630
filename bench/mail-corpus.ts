// Mails of many sizes and structures, made from a seed: the same everywhere, and what a search must find in them is known.

export interface CorpusFacts {
  readonly messages: number;
  readonly bytes: number;
  /** How many have SUBJECT_WORD in their subject. */
  readonly subjectHits: number;
  /** How many have TEXT_WORD in a text part, in clear or encoded. */
  readonly textHits: number;
  readonly threads: number;
  /** Their numbers, counted from 1, as REVERSE DATE sorts them. */
  readonly latestFirst: readonly number[];
}

export const SUBJECT_WORD = "quarterly";
export const TEXT_WORD = "zanzibar";

const SUBJECT_EVERY = 97;
const TEXT_EVERY = 83;
const THREAD_MAILS = 8;
const FIRST_DATE_MS = Date.UTC(2024, 0, 1);
const APART_MS = 37 * 60_000;
const KIB = 1024;
const HEAD_BYTES_MAX = 4 * KIB;

type Random = () => number;

/** Mulberry32. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const draw = randomFrom(20_240_229);
const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low));
const oneOf = <T>(random: Random, values: readonly T[]): T => values[between(random, 0, values.length)] as T;

const SYLLABLES = "ba ke li mo nu ra se ti vo wu da fe gi ho ju".split(" ");
const WORDS = Array.from({ length: 2_000 }, () =>
  Array.from({ length: between(draw, 1, 5) }, () => oneOf(draw, SYLLABLES)).join(""),
);

function lineOf(random: Random): string {
  let line = oneOf(random, WORDS);
  while (line.length < 66) line += ` ${oneOf(random, WORDS)}`;
  return line;
}

/** Blocks of about 1 KiB of which texts are put together. */
const BLOCKS = Array.from({ length: 256 }, () => `${Array.from({ length: 14 }, () => lineOf(draw)).join("\r\n")}\r\n`);
/** 512 KiB of what an attachment looks like. */
const OCTETS = Array.from({ length: 6_900 }, () => {
  const line = Buffer.from(Array.from({ length: 57 }, () => between(draw, 0, 256)));
  return line.toString("base64");
});

function textOf(random: Random, bytes: number): string {
  let text = "";
  do text += oneOf(random, BLOCKS);
  while (text.length < bytes);
  return text;
}

function attachmentOf(random: Random, bytes: number): string {
  const lines = Math.ceil(bytes / 78);
  const from = between(random, 0, OCTETS.length - 1);
  const parts: string[] = [];
  for (let at = from; parts.length < lines; at++) parts.push(OCTETS[at % OCTETS.length] as string);
  return parts.join("\r\n");
}

function quotedPrintable(text: string): string {
  return text.replaceAll("ra", "r=C3=A4").replaceAll(" ba", " =\r\nba");
}

function base64Of(text: string): string {
  return (
    Buffer.from(text)
      .toString("base64")
      .match(/.{1,76}/g) as string[]
  ).join("\r\n");
}

interface Part {
  readonly head: string;
  readonly body: string;
}

function plain(text: string, encoding: "7bit" | "quoted-printable" | "base64"): Part {
  const body = encoding === "7bit" ? text : encoding === "base64" ? base64Of(text) : quotedPrintable(text);
  return { head: `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n`, body };
}

function html(text: string): Part {
  const body = `<html><body><p style="margin:0">${text.replaceAll("\r\n", "</p>\r\n<p>")}</p></body></html>`;
  return { head: "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n", body };
}

function file(random: Random, bytes: number): Part {
  const name = `${oneOf(random, WORDS)}.pdf`;
  const type = `Content-Type: application/pdf; name="${name}"\r\nContent-Transfer-Encoding: base64\r\n`;
  return { head: `${type}Content-Disposition: attachment; filename="${name}"\r\n`, body: attachmentOf(random, bytes) };
}

function multipart(random: Random, kind: "mixed" | "alternative" | "related", parts: readonly Part[]): Part {
  const boundary = `=_${kind}_${Math.floor(random() * 2 ** 32).toString(36)}`;
  const pieces = parts.map(({ head, body }) => `--${boundary}\r\n${head}\r\n${body}\r\n`);
  return {
    head: `Content-Type: multipart/${kind}; boundary="${boundary}"\r\n`,
    body: `${pieces.join("")}--${boundary}--\r\n`,
  };
}

/** Half are plain and small; the few with attachments make the most of the bytes. */
function contentOf(random: Random, word: string): Part {
  const kind = random();
  const text = (low: number, high: number): string =>
    `${word}${textOf(random, between(random, low * KIB, high * KIB))}`;
  if (kind < 0.35) return plain(text(1, 5), "7bit");
  if (kind < 0.45) return plain(text(1, 8), "quoted-printable");
  if (kind < 0.5) return plain(text(2, 8), "base64");
  const both = multipart(random, "alternative", [plain(text(2, 8), "quoted-printable"), html(text(5, 20))]);
  if (kind < 0.75) return both;
  if (kind < 0.85) return multipart(random, "related", [both, file(random, between(random, 10 * KIB, 30 * KIB))]);
  const letter = kind < 0.92 ? plain(text(1, 4), "7bit") : both;
  if (kind < 0.98) return multipart(random, "mixed", [letter, file(random, between(random, 30 * KIB, 116 * KIB))]);
  const forwarded = { head: "Content-Type: message/rfc822\r\n", body: `${headOf(random, 0, "Fwd")}${joined(letter)}` };
  return multipart(random, "mixed", [letter, forwarded, file(random, between(random, 80 * KIB, 260 * KIB))]);
}

function joined({ head, body }: Part): string {
  return `${head}\r\n${body}`;
}

function person(random: Random): string {
  const [first, last] = [oneOf(random, WORDS), oneOf(random, WORDS)];
  return `${first} ${last} <${first}.${last}@example.net>`;
}

function headOf(random: Random, index: number, subject: string): string {
  const date = new Date(FIRST_DATE_MS + index * APART_MS + between(random, 0, APART_MS * 20)).toUTCString();
  const hop = between(random, 1, 250);
  const root = index - (index % THREAD_MAILS);
  const ids = Array.from({ length: index - root }, (_, i) => `<${root + i}@corpus.example.net>`);
  const references =
    ids.length === 0 ? "" : `In-Reply-To: ${ids.at(-1)}\r\nReferences: ${ids.slice(-5).join("\r\n ")}\r\n`;
  return (
    `Received: from r${hop}.example.net ([192.0.2.${hop}]) by mx.example.org\r\n\twith ESMTPS id ${index}; ${date}\r\n` +
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=k1;\r\n\tb=${oneOf(random, OCTETS)}\r\n` +
    `From: ${person(random)}\r\nTo: ${person(random)},\r\n ${person(random)}\r\nSubject: ${subject}\r\n` +
    `Date: ${date.replace("GMT", "+0000")}\r\nMessage-ID: <${index}@corpus.example.net>\r\n${references}MIME-Version: 1.0\r\n`
  );
}

function subjectOf(random: Random, index: number): string {
  const root = index - (index % THREAD_MAILS);
  const words = `${index % SUBJECT_EVERY === 0 ? `${SUBJECT_WORD} ` : ""}${WORDS[root % WORDS.length]} ${root}`;
  return index === root ? words : `Re: ${words}${random() < 0.1 ? " =?utf-8?Q?gr=C3=BC=C3=9Fe?=" : ""}`;
}

/** The mail of an index, counted from 0. */
export function corpusMail(index: number): Buffer {
  const random = randomFrom(index * 2_654_435_761 + 1);
  const word = index % TEXT_EVERY === 0 ? `${TEXT_WORD}\r\n` : "";
  return Buffer.from(headOf(random, index, subjectOf(random, index)) + joined(contentOf(random, word)));
}

/** The first mails of the corpus, one after the other. */
export function* corpusMails(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield corpusMail(index);
}

/** What is known of the first mails of the corpus. */
export function corpusFacts(messages: number): CorpusFacts {
  let bytes = 0;
  const datesMs: number[] = [];
  for (const mail of corpusMails(messages)) {
    bytes += mail.length;
    datesMs.push(Date.parse(/^Date: (.*)\r$/m.exec(mail.toString("latin1", 0, HEAD_BYTES_MAX))?.[1] ?? ""));
  }
  const every = (apart: number): number => Math.ceil(messages / apart);
  const dateOf = (number: number): number => datesMs[number - 1] as number;
  // RFC 5256 3: equal ones stay in the order of their numbers, reversed or not.
  const latestFirst = datesMs.map((_, index) => index + 1).toSorted((a, b) => dateOf(b) - dateOf(a) || a - b);
  return {
    messages,
    bytes,
    subjectHits: every(SUBJECT_EVERY),
    textHits: every(TEXT_EVERY),
    threads: every(THREAD_MAILS),
    latestFirst,
  };
}

/** A small mail, for mailboxes of very many. */
export function smallMail(index: number): Buffer {
  const head = `From: a${index % 100}@example.net\r\nTo: b@example.org\r\nSubject: small ${index}\r\nMessage-ID: <${index}@small>\r\n`;
  return Buffer.from(`${head}Date: ${new Date(FIRST_DATE_MS + index * 1000).toUTCString()}\r\n\r\nhello ${index}\r\n`);
}
