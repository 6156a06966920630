// The listener for a server beside this one (RFC 2033), as transcripts: one answer for each accepted recipient.
import { afterEach, expect, it } from "@jest/globals";
import { TestListener } from "./test-support/listener.ts";

let mx: TestListener;

afterEach(() => mx.stop());

const HELLO = `
  S: 220 mx.example.org LMTP
  C: LHLO client.example
  S: 250-mx.example.org
  S: 250-PIPELINING
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-ENHANCEDSTATUSCODES
  S: 250 SIZE *
`;
const BYE = `
  C: QUIT
  S: 221 2.0.0 Bye
  S.
`;

it("greets with LHLO alone", async () => {
  mx = await TestListener.start({ kind: "lmtp" });
  await mx.play(`
    S: 220 mx.example.org LMTP
    C: MAIL FROM:<x@example.net>
    S: 503 *
    C: EHLO client.example
    S: 500 *
    C: HELO client.example
    S: 500 *
    ${HELLO.replace(/.*220.*\n/, "")}
    ${BYE}
  `);
});

it("answers for each recipient, doubles too, and stores once for each mailbox", async () => {
  mx = await TestListener.start({ kind: "lmtp" });
  const content = "x".repeat(4_000);
  await mx.play(`
    ${HELLO}
    C: MAIL FROM:<>
    S: 250 2.1.0 *
    C: RCPT TO:<alice@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<nobody@example.org>
    S: 550 5.1.1 *
    C: RCPT TO:<nobody@example.edu>
    S: 550 5.1.1 *
    C: RCPT TO:<bob@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<alice@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<info@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<carol@example.org>
    S: 250 2.1.5 *
    C: DATA
    S: 354 *
    C: ${content}
    C: .
    S: 250 2.0.0 Delivered *-1 uid 1 cursor *
    S: 552 5.2.2 *
    S: 250 2.0.0 Delivered *-1 uid 1 cursor *
    S: 250 2.0.0 Delivered *-1 uid 1 cursor *
    S: 250 2.0.0 Delivered *-1 uid 1 cursor *
    C: NOOP
    S: 250 2.0.0 OK
    ${BYE}
  `);
  expect(await mx.mails("bob@example.org")).toEqual([]);
  for (const address of ["alice@example.org", "carol@example.org"]) {
    expect(await mx.content(address)).toBe(`${content}\r\n`);
    expect(await mx.mails(address)).toEqual([expect.stringMatching(/^Return-Path: <>\r\n[^]* with LMTP id /)]);
  }
});

it("stores one body for all", async () => {
  mx = await TestListener.start({ kind: "lmtp" });
  await mx.play(`
    ${HELLO}
    C: MAIL FROM:<>
    C: RCPT TO:<alice@example.org>
    C: RCPT TO:<carol@example.org>
    C: DATA
    S: 250 *
    S: 250 *
    S: 250 *
    S: 354 *
    C: .
    S: 250 *
    S: 250 *
    ${BYE}
  `);
  const blobs: number[] = [];
  for (const address of ["alice@example.org", "carol@example.org"]) {
    const { id } = await mx.account(address);
    const inbox = await mx.store.mailbox(id, "INBOX");
    const handle = await mx.store.open({ account: id, mailbox: inbox?.id as never });
    for await (const batch of handle.metadata([[1, 1]])) blobs.push(...batch.map(({ blob }) => blob));
    handle.release();
  }
  expect(blobs).toHaveLength(2);
  expect(new Set(blobs).size).toBe(1);
});

it("answers for each where the mail itself is at fault", async () => {
  mx = await TestListener.start({ kind: "lmtp", limits: { messageBytesMax: 100 } });
  const mail = (content: string, reply: string): string => `
    C: MAIL FROM:<>
    C: RCPT TO:<alice@example.org>
    C: RCPT TO:<alice@example.org>
    C: DATA
    S: 250 *
    S: 250 *
    S: 250 *
    S: 354 *
    C= ${JSON.stringify(content)}
    S: ${reply}
    S: ${reply}
  `;
  await mx.play(`
    ${HELLO}
    ${mail("NUL\0\r\n.\r\n", "554 5.6.0 *")}
    ${mail(`${"x".repeat(100)}\r\n.\r\n`, "552 5.3.4 *")}
    ${mail(".\r\n", "250 2.0.0 *")}
    ${BYE}
  `);
});

it("acknowledges what is stored, whatever the log does", async () => {
  const full = (): never => {
    throw new Error("the log is full");
  };
  mx = await TestListener.start({ kind: "lmtp", log: { debug: full, info: full, warn: full, error: full } });
  await mx.play(`
    ${HELLO}
    C: MAIL FROM:<>
    S: 250 2.1.0 *
    C: RCPT TO:<nobody@example.org>
    S: 550 5.1.1 *
    C: RCPT TO:<bob@example.org>
    S: 250 2.1.5 *
    C: RCPT TO:<alice@example.org>
    S: 250 2.1.5 *
    C: DATA
    S: 354 *
    C: ${"x".repeat(4_000)}
    C: .
    S: 552 5.2.2 *
    S: 250 2.0.0 Delivered *-1 uid 1 cursor *
    ${BYE}
  `);
  expect(await mx.mails("alice@example.org")).toHaveLength(1);
});
