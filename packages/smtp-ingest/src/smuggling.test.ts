// No sequence of bytes within a message ends it but CR LF . CR LF: what a sender hides behind another is never obeyed.
import { afterEach, describe, expect, it } from "@jest/globals";
import type { ListenerKind } from "./incoming-mail.ts";
import { TestListener } from "./test-support/listener.ts";

let mx: TestListener;

afterEach(() => mx.stop());

const LOGIN = `
  C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUub3JnAHNlY3JldA==
  S: 235 2.7.0 *
`;

/** A connection up to the content of a mail. */
async function toData(kind: ListenerKind): Promise<ReturnType<TestListener["dial"]>> {
  mx = await TestListener.start({ kind });
  const client = mx.dial();
  client.socket.setNoDelay(true);
  await client.play(`
    S: 220 *
    C: ${kind === "lmtp" ? "LHLO" : "EHLO"} client.example
    S: 250-*
    S: 250-*
    S: 250-*
    S: 250-*
    S: 250-*
    ${kind === "submission" ? "S: 250-AUTH *" : ""}
    S: 250 SIZE *
    ${kind === "submission" ? LOGIN : ""}
    C: MAIL FROM:<alice@example.org>
    S: 250 *
    C: RCPT TO:<alice@example.org>
    S: 250 *
    C: DATA
    S: 354 *
  `);
  return client;
}

const VARIANTS: readonly string[] = [
  "\n.\n",
  "\n.\r\n",
  "\r\n.\n",
  "\r.\r",
  "\r.\r\n",
  "\r\n.\r",
  "\r\n.\r\r\n",
  "\r\r\n.\r\r\n",
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\r\n.\r\0\n",
  "\r\0\n.\r\n",
  "\r\n \r\n . \r\n",
  "\n\n.\n\n",
  "\r\n..\r\n",
  "\u0085.\u0085",
  "\u2028.\u2028",
];
const HIDDEN =
  "MAIL FROM:<evil@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled";

describe.each<ListenerKind>(["smtp", "submission", "lmtp"])("on a listener for %s", (kind) => {
  it.each(VARIANTS)("%j ends nothing", async (variant) => {
    const client = await toData(kind);
    const content = `Subject: outer${variant}${HIDDEN}`;
    client.send(`${content}\r\n.\r\nNOOP\r\n`);
    const bare = /\r(?!\n)|(?<!\r)\n/.test(content);
    const spoilt = content.includes("\0") || (bare && kind === "smtp");
    // One answer to the mail, then the one to NOOP: there was no second mail.
    await client.play(`
      S: ${spoilt ? "554 5.6.0 The message has a *" : "250 2.0.0 *"}
      S: 250 2.0.0 OK
      C: QUIT
      S: 221 *
      S.
    `);
    const stored = content.replace(/\r\n\./g, "\r\n").replace(/\r\n|\r|\n/g, "\r\n");
    expect(await mx.mails("alice@example.org")).toHaveLength(spoilt ? 0 : 1);
    if (!spoilt) expect(await mx.content("alice@example.org")).toBe(`${stored}\r\n`);
  });

  it("a mail is the same in packets of one byte", async () => {
    const client = await toData(kind);
    for (const byte of `a\r\n..\r\n..b\r\n.\r\nNOOP\r\n`) client.send(byte);
    await client.play(`
      S: 250 2.0.0 *
      S: 250 2.0.0 OK
      C: QUIT
      S: 221 *
      S.
    `);
    expect(await mx.content("alice@example.org")).toBe("a\r\n.\r\n.b\r\n");
  });
});

describe("a command", () => {
  const envelope = "MAIL FROM:<x@example.net>";

  it.each([
    ["LF alone", `${envelope}\nRCPT TO:<alice@example.org>\r\n`, "500 5.5.2 CR and LF may stand in a CRLF alone"],
    ["CR alone", `${envelope}\rRCPT TO:<alice@example.org>\r\n`, "500 5.5.2 CR and LF may stand in a CRLF alone"],
    ["CR CR LF", `${envelope}\r\r\n`, "500 5.5.2 CR and LF may stand in a CRLF alone"],
    ["NUL", `MAIL FROM:<x\0@example.net>\r\n`, "500 5.5.2 A command is UTF-8 without NUL"],
  ])("with %s ends the connection, and nothing behind it is obeyed", async (_name, bytes, reply) => {
    mx = await TestListener.start({ kind: "smtp" });
    await mx.play(`
      S: 220 *
      C: HELO client.example
      S: 250 *
      C= ${JSON.stringify(`${bytes}RCPT TO:<alice@example.org>\r\nDATA\r\nhidden\r\n.\r\n`)}
      S: ${reply}
      S.
    `);
    expect(await mx.mails("alice@example.org")).toEqual([]);
  });

  it("must be UTF-8", async () => {
    mx = await TestListener.start({ kind: "smtp" });
    const client = mx.dial();
    await client.play("S: 220 *");
    client.socket.write(Buffer.from([0x45, 0x48, 0x4c, 0x4f, 0x20, 0xff, 0x0d, 0x0a]));
    await client.play(`
      S: 500 5.5.2 A command is UTF-8 without NUL
      S.
    `);
  });

  it("that is cut off by the end of the connection is not obeyed", async () => {
    mx = await TestListener.start({ kind: "smtp" });
    const client = mx.dial();
    await client.play(`
      S: 220 *
      C: HELO client.example
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 *
      S: 250 *
      S: 250 *
      S: 354 *
      C= "a mail\\r\\n."
    `);
    client.socket.end();
    await client.closed();
    expect(await mx.mails("alice@example.org")).toEqual([]);
  });

  it("of a web browser ends the connection", async () => {
    mx = await TestListener.start({ kind: "smtp" });
    await mx.play(`
      S: 220 *
      C: POST / HTTP/1.1
      C: MAIL FROM:<x@example.net>
      S: 421 *
      S.
    `);
  });
});
