// How quickly messages are scanned and their summaries written and read, per second of this process's own CPU.
// Run it with `npm run build && node bench/dist/scan.js`.
import { randomBytes } from "node:crypto";
import { decodeSummary, encodeSummary, MessageScanner, scanMessage } from "@pushmail/mailstore";
import { createTransport, type SendMailOptions } from "nodemailer";

const CHUNK_BYTES = 16_384;
const CPU_SECONDS_EACH = 1;

const LINE = "The quick brown fox jumps over the lazy dog, and nobody waits for the mail any longer.\n";
const HEADERS = {
  Received: [1, 2, 3].map(
    (hop) => `from r${hop}.example.net ([192.0.2.${hop}]) by mx.example.org with ESMTPS id 4F${hop}`,
  ),
  "DKIM-Signature": `v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=k1; h=from:to:subject; b=${"q".repeat(344)}`,
  "List-Unsubscribe": "<https://example.net/unsubscribe?u=0123456789abcdef>",
};

const MAILS: Readonly<Record<string, SendMailOptions>> = {
  "2.6 KB text": { text: LINE.repeat(15) },
  "21 KB alternative": { text: LINE.repeat(70), html: LINE.repeat(155) },
  "286 KB, 2 attachments": {
    text: LINE.repeat(30),
    html: LINE.repeat(30),
    attachments: [{ content: randomBytes(130_000) }, { content: randomBytes(72_000) }],
  },
  "5 MB attachment": { text: LINE, attachments: [{ content: randomBytes(3_650_000) }] },
};

async function compose(content: SendMailOptions): Promise<Buffer> {
  const { message } = await createTransport({ streamTransport: true, buffer: true, newline: "windows" }).sendMail({
    from: "Alice Example <alice@example.net>",
    to: "Bob Example <bob@example.org>, Carol <carol@example.org>",
    subject: "Quarterly figures, second draft",
    headers: HEADERS,
    ...content,
  });
  return message as Buffer;
}

function scanInChunks(message: Buffer): void {
  const scanner = new MessageScanner();
  for (let at = 0; at < message.length; at += CHUNK_BYTES) scanner.push(message.subarray(at, at + CHUNK_BYTES));
  scanner.finish();
}

/** How often `work` runs in a second of CPU. */
function rate(work: () => void): number {
  for (let i = 0; i < 500; i++) work();
  const before = process.cpuUsage();
  for (let runs = 1; ; runs++) {
    work();
    if (runs % 100 > 0) continue;
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    if (seconds >= CPU_SECONDS_EACH) return runs / seconds;
  }
}

const rows = [];
for (const [name, content] of Object.entries(MAILS)) {
  const message = await compose(content);
  const summary = scanMessage(message);
  const encoded = encodeSummary(summary);
  const whole = rate(() => scanMessage(message));
  const inChunks = rate(() => scanInChunks(message));
  rows.push({
    message: name,
    bytes: message.length,
    "scans/cpu-s": Math.round(whole),
    "MB/s": Math.round((whole * message.length) / 1e6),
    [`in ${CHUNK_BYTES} B`]: Math.round(inChunks),
    "summary bytes": encoded.length,
    "encodes/cpu-s": Math.round(rate(() => encodeSummary(summary))),
    "decodes/cpu-s": Math.round(rate(() => decodeSummary(encoded))),
  });
}
console.table(rows);
