// The listener for other servers, as transcripts over real sockets and the memory store.
import { Socket } from "node:net";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { Refusal } from "@pushmail/mailstore";
import type { MailStore } from "@pushmail/mailstore";
import type { SmtpIngestOptions } from "./start-smtp-ingest.ts";
import { RENEWED_TEST_TLS, TEST_TLS } from "./test-support/certificates.ts";
import { Dialogue, NO_CONTENT } from "./test-support/dialogue.ts";
import { replacing, TestListener } from "./test-support/listener.ts";

let mx: TestListener;

async function listen(options: Partial<SmtpIngestOptions> = {}, wrap?: (store: MailStore) => MailStore): Promise<void> {
  mx = await TestListener.start({ kind: "smtp", ...options }, wrap);
}

afterEach(() => mx.stop());

/** How often a socket of this process is written to meanwhile, those of clients included. */
async function countWrites(task: () => Promise<void>): Promise<number> {
  const spies = (["_write", "_writev"] as const).map((name) => jest.spyOn(Socket.prototype, name as "write"));
  await task();
  const writes = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (const spy of spies) spy.mockRestore();
  return writes;
}

const HELLO = `
  S: 220 mx.example.org ESMTP
  C: EHLO client.example
  S: 250-mx.example.org
  S: 250-PIPELINING
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-ENHANCEDSTATUSCODES
  S: 250 SIZE 52428800
`;
const BYE = `
  C: QUIT
  S: 221 2.0.0 Bye
  S.
`;

it.each([
  ["192.0.2.5", "[192.0.2.5]"],
  ["2001:db8::5", "[IPv6:2001:db8::5]"],
  ["fe80::5%eth0", "[IPv6:fe80::5]"],
  ["[192.0.2.5]", "[192.0.2.5]"],
])("a host of the name %s is called %s", async (hostname, called) => {
  await listen({ hostname });
  await mx.store.createAccount({ address: `postmaster@${called}`, password: "secret" });
  await mx.play(`
    S: 220 ${called} ESMTP
    C: HELO client.example
    S: 250 ${called}
    C: MAIL FROM:<bob@example.net>
    S: 250 *
    C: RCPT TO:<Postmaster>
    S: 250 *
    C: RCPT TO:<postmaster@${called}>
    S: 250 *
    C: RCPT TO:<alice@example.org>
    S: 250 *
    ${NO_CONTENT}
    ${BYE}
  `);
  expect((await mx.mails("alice@example.org"))[0]).toContain(`\r\n\tby ${called} with SMTP id `);
  expect(await mx.mails(`postmaster@${called}`)).toHaveLength(1);
});

describe("a mail", () => {
  it("is stored behind its trace header, and acknowledged", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<bob@example.net> SIZE=100 BODY=8BITMIME
      S: 250 2.1.0 Accepted
      C: RCPT TO:<alice@example.org>
      S: 250 2.1.5 Accepted
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>
      C: Subject: hello
      C: Return-Path: <forged@example.net>
      C:
      C: grüße
      C: ..
      C: ..a dot
      C: .
      S: 250 2.0.0 Queued as *-1
      ${BYE}
    `);
    const [mail] = await mx.mails("alice@example.org");
    expect(mail?.replace(/ id \S+/, " id ID")).toBe(
      [
        "Return-Path: <bob@example.net>",
        "Received: from client.example ([127.0.0.1])",
        "\tby mx.example.org with ESMTP id ID",
        "\tfor <alice@example.org>;",
        "\tSun, 22 Nov 2026 12:30:05 +0000",
        "Subject: hello",
        "",
        "grüße",
        ".",
        ".a dot",
        "",
      ].join("\r\n"),
    );
    expect(mx.logged).toContainEqual({
      level: "info",
      message: "mail delivered",
      fields: expect.objectContaining({
        client: "127.0.0.1",
        sender: "bob@example.net",
        to: [{ address: "alice@example.org", uid: 1, cursor: expect.any(Number) }],
      }) as object,
    });
  });

  it("may be empty, from nobody, and come with HELO", async () => {
    await listen();
    await mx.play(`
      S: 220 *
      C: HELO client.example
      S: 250 mx.example.org
      C: MAIL FROM:<>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: .
      S: 250 2.0.0 Queued as *
      ${BYE}
    `);
    const [mail] = await mx.mails("alice@example.org");
    expect(mail).toMatch(/^Return-Path: <>\r\nReceived: .*\r\n\tby mx\.example\.org with SMTP id \S+\r\n/);
    expect(await mx.content("alice@example.org")).toBe("");
  });

  it("goes to all of its recipients, once to each, who do not learn of each other", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: RCPT TO:<ALICE+shop@Example.ORG>
      C: RCPT TO:<info@example.org>
      C: RCPT TO:<alice@example.org>
      C: RCPT TO:<anybody@example.com>
      C: RCPT TO:<nobody@example.org>
      C: DATA
      S: 250 2.1.0 *
      S: 250 2.1.5 *
      S: 250 2.1.5 *
      S: 250 2.1.5 *
      S: 250 2.1.5 *
      S: 250 2.1.5 *
      S: 550 5.1.1 No such user here: nobody@example.org
      S: 354 *
      C: Subject: all
      C: .
      S: 250 2.0.0 Queued as *
      ${BYE}
    `);
    for (const address of ["alice@example.org", "carol@example.org"]) {
      expect(await mx.mails(address)).toEqual([expect.not.stringContaining("for <")]);
      expect(await mx.content(address)).toBe("Subject: all\r\n");
    }
  });

  it("may follow another on the same connection, and RSET ends one", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<bob@example.org>
      C: RSET
      C: DATA
      C: MAIL FROM:<y@example.net>
      C: MAIL FROM:<z@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 2.1.0 *
      S: 250 2.1.5 *
      S: 250 2.0.0 Flushed
      S: 503 5.5.1 *
      S: 250 2.1.0 *
      S: 503 5.5.1 *
      S: 250 2.1.5 *
      S: 354 *
      C: one
      C: .
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 2.0.0 Queued as *-1
      S: 250 2.1.0 *
      S: 250 2.1.5 *
      S: 354 *
      C: two
      C: .
      S: 250 2.0.0 Queued as *-2
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toEqual([
      expect.stringMatching(/^Return-Path: <y@example\.net>\r\n[^]*\r\none\r\n$/),
      expect.stringMatching(/^Return-Path: <x@example\.net>\r\n[^]*\r\ntwo\r\n$/),
    ]);
    expect(await mx.mails("bob@example.org")).toEqual([]);
  });

  it("may have addresses beyond ASCII, with SMTPUTF8", async () => {
    await listen();
    await mx.store.createAccount({ address: "jürgen@bücher.example", password: "secret" });
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<zoë@example.net>
      S: 553 5.6.7 An address beyond ASCII needs SMTPUTF8
      C: MAIL FROM:<x@b\u200d.example>
      S: 553 5.6.7 *
      C: MAIL FROM:<x@xn--a.example>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      ${NO_CONTENT}
      C: MAIL FROM:<zoë@example.net> SMTPUTF8
      S: 250 *
      C: RCPT TO:<jürgen@xn--bcher-kva.example>
      S: 250 *
      C: DATA
      S: 354 *
      C: hello
      C: .
      S: 250 *
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<jürgen@bücher.example>
      S: 553 5.6.7 *
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toEqual([
      expect.stringContaining("Return-Path: <x@xn--a.example>\r\n"),
    ]);
    expect(await mx.mails("jürgen@bücher.example")).toEqual([
      expect.stringMatching(
        /^Return-Path: <zoë@example\.net>\r\n[^]* with UTF8SMTP id [^]*for <jürgen@bücher\.example>/,
      ),
    ]);
  });

  it("may come from and go to local parts in quotes, which are the same address where they need none, and with dots that need some", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<"a \\"b@:<>\\c"@example.net> SIZE=10
      S: 250 *
      C: RCPT TO:<@relay.example:"al\\ice"@Example.ORG>
      S: 250 *
      C: RCPT TO:<"al ice"@example.org>
      S: 550 5.1.1 No such user here: "al ice"@example.org
      C: RCPT TO:<"alice"@example.org> NOTIFY=NEVER
      S: 555 5.5.4 *
      C: RCPT TO:<"a@xn--b>"@example.org>
      S: 550 5.1.1 No such user here: "a@xn--b>"@example.org
      ${NO_CONTENT}
      C: MAIL FROM:<.a..b@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      ${NO_CONTENT}
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toEqual([
      expect.stringMatching(/^Return-Path: <"a \\"b@:<>c"@example\.net>\r\n[^]*\tfor <alice@Example\.ORG>;/),
      expect.stringMatching(/^Return-Path: <"\.a\.\.b"@example\.net>\r\n/),
    ]);
  });

  it("comes whole whatever the cuts between packets, and however its commands are pipelined", async () => {
    await listen();
    const client = mx.dial();
    client.socket.setNoDelay(true);
    await client.play(HELLO);
    const input =
      "MAIL FROM:<x@example.net>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nA: 1\r\n\r\n..\r\n...x\r\n.\r\nNOOP\r\nQUIT\r\n";
    for (const byte of input) client.send(byte);
    await client.play(`
      S: 250 2.1.0 *
      S: 250 2.1.5 *
      S: 354 *
      S: 250 2.0.0 Queued as *
      S: 250 2.0.0 OK
      S: 221 *
      S.
    `);
    expect(await mx.content("alice@example.org")).toBe("A: 1\r\n\r\n.\r\n..x\r\n");
  });

  it("whose commands come together is answered in one write, and so is every recipient of one over LMTP", async () => {
    mx = await TestListener.start({ kind: "lmtp" });
    const client = mx.dial();
    const recipients = "RCPT TO:<alice@example.org>\r\n".repeat(3);
    await client.play("S: 220 *");
    client.send("LHLO client.example\r\n");
    while (!(await client.line()).startsWith("250 "));
    // The first one finds the account, the second one all that it needs in memory.
    for (const mail of [1, 2]) {
      const writes = await countWrites(async () => {
        client.send(`MAIL FROM:<x@example.net>\r\n${recipients}DATA\r\n`);
        await client.play("S: 250 *\nS: 250 *\nS: 250 *\nS: 250 *\nS: 354 *");
      });
      if (mail > 1) expect(writes).toBe(2);
      const answers = await countWrites(async () => {
        client.send("A: 1\r\n.\r\n");
        await client.play("S: 250 *\nS: 250 *\nS: 250 *");
      });
      expect(answers).toBe(2);
    }
  });

  it("of many megabytes streams through", async () => {
    await listen();
    const client = mx.dial();
    await client.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
    `);
    const line = `${"x".repeat(76)}\r\n`;
    const body = line.repeat(100_000);
    client.send(`${body}.\r\n`);
    await client.play("S: 250 2.0.0 *");
    expect((await mx.content("alice@example.org")) === body).toBe(true);
    client.destroy();
  });
});

describe("a refusal", () => {
  it("tells an unknown user from a foreign domain", async () => {
    await listen();
    const rcpt = (reply: string): string => `
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<nobody@example.edu>
      S: ${reply}
      C: RCPT TO:<nobody@example.org>
      S: 550 5.1.1 No such user here: nobody@example.org
      C: RCPT TO:<postmaster>
      S: 550 5.1.1 No such user here: postmaster
      C: DATA
      S: 503 5.5.1 *
      ${BYE}
    `;
    await mx.play(rcpt("550 5.7.1 Relaying denied: nobody@example.edu is not local"));
    await mx.store.createAccount({ address: "postmaster@mx.example.org", password: "secret" });
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<Postmaster>
      S: 250 *
      ${BYE}
    `);
  });

  it("counts the domains that it is given as its own", async () => {
    await listen({ domains: ["Example.EDU", "XN--bcher-kva.example"] });
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<nobody@example.edu>
      S: 550 5.1.1 No such user here: nobody@example.edu
      C: RCPT TO:<nobody@xn--bcher-kva.example>
      S: 550 5.1.1 No such user here: nobody@xn--bcher-kva.example
      C: RSET
      S: 250 *
      C: MAIL FROM:<x@example.net> SMTPUTF8
      S: 250 *
      C: RCPT TO:<nobody@xn--bcher-kva.example>
      S: 550 5.1.1 No such user here: nobody@bücher.example
      ${BYE}
    `);
  });

  it("learns of a new domain in time", async () => {
    let nowMs = 1_000_000;
    await listen({ now: () => nowMs });
    const client = mx.dial();
    const rcpt = (reply: string): string => `C: RCPT TO:<nobody@example.edu>\n S: ${reply}\n`;
    await client.play(`${HELLO}\n C: MAIL FROM:<>\n S: 250 *\n ${rcpt("550 5.7.1 *")}`);
    await mx.store.createAccount({ address: "dean@example.edu", password: "secret" });
    await client.play(rcpt("550 5.7.1 *"));
    nowMs += 10_000;
    await client.play(`${rcpt("550 5.1.1 *")}${BYE}`);
  });

  it("quotes no more of the client's than a reply line holds", async () => {
    await listen();
    const dialogue = mx.dial();
    await dialogue.play(`${HELLO}`);
    for (const command of [
      `MAIL FROM:<x@example.net> ${"X".repeat(5_000)}`,
      "MAIL FROM:<x@example.net> SMTPUTF8",
      `RCPT TO:<${"\u20ac".repeat(2_000)}@example.org>`,
    ]) {
      dialogue.send(`${command}\r\n`);
      expect(Buffer.byteLength(`${await dialogue.line()}\r\n`)).toBeLessThanOrEqual(512);
    }
    await dialogue.play(`
      C: RCPT TO:<${"x".repeat(240)}@example.org>
      S: 550 5.1.1 No such user here: ${"x".repeat(240)}@example.org
      ${BYE}
    `);
    expect(JSON.stringify(mx.logged).length).toBeLessThan(3_000);
    expect(JSON.stringify(mx.logged)).not.toContain("\ufffd");
  });

  it("answers broken commands", async () => {
    await listen();
    await mx.play(`
      S: 220 *
      C: MAIL FROM:<x@example.net>
      S: 503 5.5.1 *
      C: EHLO
      S: 501 *
      C: EHLO a b
      S: 501 *
      C: EHLO a
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250 *
      C: MAIL FROM:x@example.net
      S: 501 5.1.7 *
      C: MAIL FROM:<x@example.net> SIZE=many
      S: 501 *
      C: MAIL FROM:<x@example.net> BODY=BINARYMIME
      S: 501 *
      C: MAIL FROM:<x@example.net> RET=FULL
      S: 555 5.5.4 Parameter RET is not supported
      C: MAIL FROM:<x@example.net> AUTH=<>
      S: 555 5.5.4 Parameter AUTH is not supported
      C: RCPT TO:<alice@example.org>
      S: 503 5.5.1 *
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org> NOTIFY=NEVER
      S: 555 5.5.4 Parameter NOTIFY is not supported
      C: RCPT TO:<>
      S: 501 5.1.3 *
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      S: 500 5.5.2 *
      C: STARTTLS
      S: 500 5.5.2 *
      C: XCLIENT ADDR=10.0.0.1
      S: 500 5.5.2 *
      C: BDAT 5 LAST
      S: 500 5.5.2 *
      C: VRFY alice
      S: 252 *
      C: EXPN staff
      S: 502 5.5.1 *
      C: HELP
      S: 214 *
      ${BYE}
    `);
  });

  it("is told of a mail too large at MAIL, and of one that lies while it streams", async () => {
    await listen({ limits: { messageBytesMax: 1_000 } });
    await mx.play(`
      S: 220 *
      C: EHLO a
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250 SIZE 1000
      C: MAIL FROM:<x@example.net> SIZE=1001
      S: 552 5.3.4 *
      C: MAIL FROM:<x@example.net> SIZE=1000
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: ${"x".repeat(999)}
      C: .
      S: 552 5.3.4 The message is larger than 1000 bytes
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: ..${"x".repeat(997)}
      C: .
      S: 250 2.0.0 *
      ${BYE}
    `);
    expect(await mx.content("alice@example.org")).toBe(`.${"x".repeat(997)}\r\n`);
  });

  it("is told of an account over quota: at RCPT, by SIZE, and when it turns out too late", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net> SIZE=4001
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 552 5.2.2 bob@example.org is over quota
      C: RSET
      S: 250 *
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: ${"x".repeat(4_000)}
      C: .
      S: 552 5.2.2 *
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: ${"x".repeat(4_000)}
      C: .
      S: 452 4.2.2 *
      ${BYE}
    `);
    const bob = await mx.account("bob@example.org");
    await mx.store.updateAccount(bob.id, { quotaMessagesMax: 1 });
    const small = `
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: small
      C: .
      S: 250 2.0.0 *
    `;
    await mx.play(`
      ${HELLO}
      ${small}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 552 5.2.2 *
      ${BYE}
    `);
    const { bytes } = await mx.store.quota(bob.id);
    await mx.store.updateAccount(bob.id, { quotaMessagesMax: 0, quotaBytesMax: bytes });
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<bob@example.org>
      S: 552 5.2.2 *
      ${BYE}
    `);
    expect(await mx.content("bob@example.org")).toBe("small\r\n");
    expect(await mx.mails("alice@example.org")).toEqual([]);
  });

  it("ends a loop", async () => {
    await listen({ limits: { receivedFieldsMax: 2 } });
    const mail = (fields: number, reply: string): string => `
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      ${"C: Received: by a\n".repeat(fields)}
      C:
      C: Received: this is the body
      C: .
      S: ${reply}
    `;
    await mx.play(`
      ${HELLO}
      ${mail(3, "554 5.4.6 Too many hops: a mail loop")}
      ${mail(2, "250 2.0.0 *")}
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toHaveLength(1);
  });

  it("is a 451 on trouble with the store, with nothing said of its nature", async () => {
    const trouble = async (): Promise<never> => {
      throw new Error("disk on fire");
    };
    const mail = `
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: RCPT TO:<carol@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: ${"x".repeat(300_000)}
      C: .
      S: 451 4.3.0 Local error, try again later
    `;
    await listen(
      {},
      replacing(() => ({ append: trouble })),
    );
    await mx.play(`${HELLO} ${mail} ${BYE}`);
    expect(mx.errors).toHaveLength(1);
    await mx.stop();

    await listen(
      {},
      replacing(() => ({ stage: trouble })),
    );
    await mx.play(`${HELLO} ${mail} ${mail} ${BYE}`);
    expect(mx.errors).toHaveLength(2);
    await mx.stop();

    await listen(
      {},
      replacing(() => ({ resolve: trouble })),
    );
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 451 4.3.0 Local error, try again later
      ${BYE}
    `);
    expect(mx.errors).toHaveLength(1);
  });

  it("waits for the end of the mail, however early it is known", async () => {
    let staged = false;
    await listen(
      {},
      replacing(() => ({
        stage: async () => {
          staged = true;
          throw new Refusal("storeUnavailable", "The store is read-only");
        },
      })),
    );
    const client = mx.dial();
    await client.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 *
      S: 250 *
      S: 354 *
      C: half a mail
    `);
    const other = mx.dial();
    await other.play(HELLO);
    for (let i = 0; i < 20; i++) await other.play("C: NOOP\nS: 250 *");
    expect({ staged, unread: client.unread }).toEqual({ staged: true, unread: "" });
    await client.play(`
      C: and the rest
      C: .
      S: 451 4.3.0 The store is read-only
      ${BYE}
    `);
  });

  it("is temporary where one of several recipients is gone", async () => {
    const gone = async (): Promise<never> => {
      throw new Refusal("mailboxProtected", "This mailbox takes no mail");
    };
    await listen(
      {},
      replacing(() => ({ append: gone })),
    );
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 *
      S: 250 *
      S: 354 *
      C: .
      S: 554 5.2.0 This mailbox takes no mail
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: RCPT TO:<carol@example.org>
      C: DATA
      S: 250 *
      S: 250 *
      S: 250 *
      S: 354 *
      C: .
      S: 451 4.3.0 This mailbox takes no mail
      ${BYE}
    `);
    expect(mx.errors).toEqual([]);
  });
});

describe("a client that leaves in the middle", () => {
  it("leaves nothing behind", async () => {
    const outcomes: unknown[] = [];
    let settled: () => void = () => {};
    const gone = new Promise<void>((resolve) => (settled = resolve));
    await listen(
      {},
      replacing((store) => ({
        stage: (body, options) =>
          store.stage(body, options).catch((error: unknown) => {
            outcomes.push((error as NodeJS.ErrnoException).code);
            settled();
            throw error;
          }),
      })),
    );
    const client = mx.dial();
    await client.play(`
      ${HELLO}
      C: MAIL FROM:<x@example.net>
      C: RCPT TO:<alice@example.org>
      C: DATA
      S: 250 *
      S: 250 *
      S: 354 *
      C: half a
    `);
    client.destroy();
    await gone;
    await mx.ingest.close();
    expect(outcomes).toEqual(["ECONNECTION"]);
    expect(await mx.mails("alice@example.org")).toEqual([]);
    expect(mx.errors).toEqual([]);
  });
});

describe("STARTTLS", () => {
  const hello = `
    C: EHLO client.example
    S: 250-*
    S: 250-PIPELINING
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
  `;

  it("is announced, encrypts, forgets what was before, and shows in Received", async () => {
    await listen({ tls: TEST_TLS });
    await mx.play(`
      S: 220 *
      ${hello}
      S: 250-STARTTLS
      S: 250 SIZE 52428800
      C: STARTTLS
      S: 220 *
      -- TLS
      C: MAIL FROM:<x@example.net>
      S: 503 5.5.1 *
      ${hello}
      S: 250 SIZE 52428800
      C: STARTTLS
      S: 503 *
      C: MAIL FROM:<x@example.net>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: secret
      C: .
      S: 250 *
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toEqual([
      expect.stringMatching(/ with ESMTPS id \S+\r\n\ttls TLS_\w+\r\n/),
    ]);
  });

  it("takes nothing over that was sent in clear behind it", async () => {
    await listen({ tls: TEST_TLS });
    await mx.play(`
      S: 220 *
      C: EHLO client.example
      C: STARTTLS
      C: EHLO injected.example
      C: MAIL FROM:<injected@example.net>
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-STARTTLS
      S: 250 *
      S: 220 *
      -- TLS
      C: RCPT TO:<alice@example.org>
      S: 503 5.5.1 Error: send HELO/EHLO first
      ${BYE}
    `);
  });

  it("speaks no TLS older than 1.2, or than was asked for", async () => {
    await listen({ tls: TEST_TLS, implicitTls: true });
    await Dialogue.openTls(mx.port, { maxVersion: "TLSv1.1" }).play("S.");
    await Dialogue.openTls(mx.port, { maxVersion: "TLSv1.2" }).play(`S: 220 *${BYE}`);
    mx.ingest.setTls({ ...TEST_TLS, minVersion: "TLSv1.3" });
    await Dialogue.openTls(mx.port, { maxVersion: "TLSv1.2" }).play("S.");
    await Dialogue.openTls(mx.port).play(`S: 220 *${BYE}`);
  });

  it("shows a new certificate once it is set", async () => {
    await listen({ tls: TEST_TLS, implicitTls: true });
    const subject = async (): Promise<string | undefined> => {
      const client = Dialogue.openTls(mx.port);
      await client.play(`S: 220 mx.example.org ESMTP${BYE}`);
      return client.certificateName;
    };
    expect(await subject()).toBe("mx.example.org");
    expect(() => mx.ingest.setTls({ key: "none", cert: "none" })).toThrow();
    expect(await subject()).toBe("mx.example.org");
    mx.ingest.setTls(RENEWED_TEST_TLS);
    expect(await subject()).toBe("renewed.example.org");
  });

  it("cannot begin on a listener that was started without", async () => {
    await listen();
    expect(() => mx.ingest.setTls(TEST_TLS)).toThrow(TypeError);
  });
});
