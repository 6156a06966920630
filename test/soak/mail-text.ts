// Mails that can be made again from their id alone, so that whoever reads one back knows every byte it must have.
import { seededRandom } from "../support/seeded-random.ts";

/** The whole mail of an id: plain, with an attachment, or deep; from some hundred octets to 200 KB. */
export function mailText(id: string): string {
  const random = seededRandom(Number(id.replace(/\D/g, "")) * 2_654_435_761);
  const head = [`From: "Soak ${id}" <soak@example.net>`, "To: someone@example.org", `Subject: ${id}`];
  head.push(`Message-ID: <${id}@soak.example.net>`, "Date: Mon, 23 Nov 2026 10:00:00 +0000");
  const body = words(random, Math.floor(random() ** 4 * 3_000) + 3);
  if (random() < 0.7) return `${head.join("\r\n")}\r\n\r\n${body}\r\n`;
  const attachment = Buffer.from(words(random, Math.floor(random() ** 4 * 20_000) + 10), "latin1").toString("base64");
  const parts = [
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}`,
    `Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrap(attachment)}`,
  ];
  head.push("MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="=_${id}"`);
  return `${head.join("\r\n")}\r\n\r\n${parts.map((part) => `--=_${id}\r\n${part}\r\n`).join("")}--=_${id}--\r\n`;
}

/** The id of a mail, from any text that holds its header. */
export function idOf(text: string): string | undefined {
  return /\r\nSubject: (\S+)\r\n/.exec(text)?.[1];
}

function words(random: () => number, count: number): string {
  const lines: string[] = [];
  for (let left = count; left > 0; left -= 10) {
    lines.push(Array.from({ length: Math.min(left, 10) }, () => Math.floor(random() * 1e6).toString(36)).join(" "));
  }
  return lines.join("\r\n");
}

function wrap(text: string): string {
  return text.replace(/.{76}/g, "$&\r\n");
}
