// The listener for the holders of accounts, as transcripts.
import { afterEach, describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver, Refusal } from "@pushmail/mailstore";
import { Sasl } from "@pushmail/sasl";
import { isLoopback } from "./engine/engine-connection.ts";
import type { SmtpIngestOptions } from "./start-smtp-ingest.ts";
import { TEST_TLS } from "./test-support/certificates.ts";
import { Dialogue } from "./test-support/dialogue.ts";
import { TestListener } from "./test-support/listener.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };

let mx: TestListener;

async function listen(options: Partial<SmtpIngestOptions> = {}): Promise<void> {
  mx = await TestListener.start({ kind: "submission", ...options });
}

afterEach(() => mx.stop());

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

const PLAIN = base64("\0alice@example.org\0secret");
const HELLO = `
  S: 220 mx.example.org ESMTP
  C: EHLO client.example
  S: 250-mx.example.org
  S: 250-PIPELINING
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-ENHANCEDSTATUSCODES
  S: 250-AUTH * SCRAM-SHA-1 PLAIN LOGIN
  S: 250 SIZE 52428800
`;
const LOGIN = `
  C: AUTH PLAIN ${PLAIN}
  S: 235 2.7.0 Authentication successful
`;
const BYE = `
  C: QUIT
  S: 221 2.0.0 Bye
  S.
`;

describe("AUTH", () => {
  it.each([
    ["PLAIN with an initial response", `C: AUTH PLAIN ${PLAIN}`],
    ["PLAIN", `C: AUTH PLAIN\n S: 334 \n C: ${PLAIN}`],
    ["PLAIN with an authorization identity", `C: AUTH PLAIN ${base64("Alice@example.org\0alice@example.org\0secret")}`],
    [
      "LOGIN",
      `C: AUTH LOGIN\n S: 334 VXNlcm5hbWU6\n C: ${base64("info@example.org")}\n S: 334 UGFzc3dvcmQ6\n C: ${base64("secret")}`,
    ],
    [
      "LOGIN with an initial response",
      `C: AUTH LOGIN ${base64("alice@example.org")}\n S: 334 *\n C: ${base64("secret")}`,
    ],
  ])("%s", async (_name, exchange) => {
    await listen();
    await mx.play(`
      ${HELLO}
      ${exchange}
      S: 235 2.7.0 Authentication successful
      C: AUTH PLAIN ${PLAIN}
      S: 503 *
      C: MAIL FROM:<alice@example.org> AUTH=<>
      S: 250 *
      ${BYE}
    `);
  });

  it("is needed before MAIL, and must be right", async () => {
    await listen({ limits: { authFailureDelayMs: 0 } });
    await mx.play(`
      ${HELLO}
      C: MAIL FROM:<alice@example.org>
      S: 530 5.7.0 *
      C: AUTH PLAIN ${base64("\0alice@example.org\0wrong")}
      S: 535 5.7.8 *
      C: AUTH PLAIN ${base64(`\0${"nobody".repeat(60)}@example.org\0secret`)}
      S: 535 5.7.8 *
      C: AUTH PLAIN ${base64("bob@example.org\0alice@example.org\0secret")}
      S: 535 5.7.8 *
      C: AUTH PLAIN
      S: 334 *
      C: *
      S: 501 *
      C: AUTH PLAIN
      S: 334 *
      C: MAIL
      S: 501 5.5.2 *
      C: AUTH CRAM-MD5
      S: 504 *
      C: AUTH
      S: 501 5.5.4 *
      C: AUTH PLAIN one two
      S: 501 5.5.4 *
      C: AUTH PLAIN not-base64
      S: 501 *
      C: MAIL FROM:<alice@example.org>
      S: 530 5.7.0 *
      ${LOGIN}
      C: MAIL FROM:<alice@example.org>
      S: 250 *
      ${BYE}
    `);
    const failed = mx.logged.filter(({ message }) => message === "login failed");
    expect(failed.map(({ fields }) => "username" in fields && fields.username)).toEqual([
      "alice@example.org",
      `${"nobody".repeat(60).slice(0, 320)}...`,
      "alice@example.org",
    ]);
    expect(mx.logged.filter(({ message }) => message === "logged in")).toEqual([
      { level: "info", fields: { client: "127.0.0.1", account: "alice@example.org" }, message: "logged in" },
    ]);
    expect(JSON.stringify(mx.logged)).not.toContain("secret");
  });

  it("takes tokens, and says in JSON what is wrong with one", async () => {
    const tokens = {
      issuer: "https://id.example.org",
      async check(token: string): Promise<string> {
        if (token === "later")
          throw new Refusal("loginUnavailable", "try again later", { cause: new Error("no route") });
        return token === "good" ? "alice@example.org" : "nobody@example.org";
      },
    };
    const store = openMailStore(await openMemoryDriver(), CHEAP);
    await store.createAccount({ address: "alice@example.org", password: "secret" });
    await listen({ limits: { authFailureDelayMs: 0 }, sasl: new Sasl({ store, tokens }) });
    const bearer = (token: string): string => base64(`n,a=alice@example.org,\x01auth=Bearer ${token}\x01\x01`);
    await mx.play(`
      S: 220 *
      C: EHLO client.example
      S: 250-*
      S: 250-PIPELINING
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN
      S: 250 SIZE 52428800
      C: AUTH OAUTHBEARER ${bearer("later")}
      S: 454 4.7.0 *
      C: AUTH OAUTHBEARER ${bearer("bad")}
      S: 334 ${base64(`{"status":"invalid_token","openid-configuration":"https://id.example.org/.well-known/openid-configuration"}`)}
      C: AQ==
      S: 535 5.7.8 *
      C: AUTH XOAUTH2
      S: 334 *
      C: ${base64("user=alice@example.org\x01auth=Bearer bad\x01\x01")}
      S: 334 ${base64(`{"status":"401","schemes":"bearer"}`)}
      C:
      S: 535 5.7.8 *
      C: AUTH OAUTHBEARER ${bearer("good")}
      S: 235 2.7.0 *
      ${BYE}
    `);
    expect(mx.logged).toContainEqual({
      level: "warn",
      fields: { client: "127.0.0.1", username: "alice@example.org", err: new Error("no route") },
      message: "login not checked",
    });
    await store.close();
  });

  it("is neither announced nor taken in clear where that is not allowed", async () => {
    await listen({ tls: TEST_TLS, authInClear: "never" });
    await mx.play(`
      S: 220 *
      C: EHLO client.example
      S: 250-*
      S: 250-PIPELINING
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-STARTTLS
      S: 250 SIZE 52428800
      C: AUTH PLAIN ${PLAIN}
      S: 538 5.7.11 *
      C: auth login
      S: 538 5.7.11 *
      C: MAIL FROM:<alice@example.org>
      S: 530 5.7.0 *
      C: STARTTLS
      S: 220 *
      -- TLS
      ${HELLO.replace(/.*220.*\n/, "")}
      ${LOGIN}
      C: MAIL FROM:<alice@example.org>
      S: 250 *
      ${BYE}
    `);
  });

  it("means this machine by loopback", () => {
    for (const address of ["127.0.0.1", "127.8.9.1", "::1"]) expect(isLoopback(address)).toBe(true);
    for (const address of ["192.0.2.1", "::", "127.evil", "::ffff:192.0.2.1", "2001:db8::1", ""]) {
      expect(isLoopback(address)).toBe(false);
    }
  });

  it("works from the first byte on with implicit TLS", async () => {
    await listen({ tls: TEST_TLS, implicitTls: true, authInClear: "never" });
    await Dialogue.openTls(mx.port).play(`
      ${HELLO}
      ${LOGIN}
      C: MAIL FROM:<alice@example.org>
      S: 250 *
      C: RCPT TO:<alice@example.org>
      S: 250 *
      C: DATA
      S: 354 *
      C: hello
      C: .
      S: 250 2.0.0 Queued as *
      ${BYE}
    `);
    expect(await mx.mails("alice@example.org")).toEqual([
      expect.stringMatching(/ with ESMTPSA id \S+\r\n\ttls TLS_\w+\r\n/),
    ]);
  });

  it("is lost where TLS begins", async () => {
    await listen({ tls: TEST_TLS });
    await mx.play(`
      S: 220 *
      C: EHLO client.example
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-*
      S: 250-AUTH * SCRAM-SHA-1 PLAIN LOGIN
      S: 250-STARTTLS
      S: 250 *
      ${LOGIN}
      C: STARTTLS
      S: 220 *
      -- TLS
      ${HELLO.replace(/.*220.*\n/, "")}
      C: MAIL FROM:<alice@example.org>
      S: 530 5.7.0 *
      ${BYE}
    `);
  });
});

describe("the sender", () => {
  it("is an address of the account, of its own or an alias, with or without detail, or nobody", async () => {
    await listen();
    const mail = (sender: string, reply: string): string => `
      C: MAIL FROM:<${sender}>
      S: ${reply}
      C: RSET
      S: 250 *
    `;
    await mx.play(`
      ${HELLO}
      ${LOGIN}
      ${mail("alice@example.org", "250 2.1.0 *")}
      ${mail("Alice+lists@Example.ORG", "250 2.1.0 *")}
      ${mail("info@example.org", "250 2.1.0 *")}
      ${mail("", "250 2.1.0 *")}
      ${mail("bob@example.org", "553 5.7.1 bob@example.org is not an address of alice@example.org")}
      ${mail("anybody@example.com", "553 5.7.1 *")}
      ${mail("alice@example.net", "553 5.7.1 *")}
      ${BYE}
    `);
  });

  it("is told in ASCII whose it is not, but to who speaks SMTPUTF8", async () => {
    await listen();
    await mx.store.createAccount({ address: "jürgen@bücher.example", password: "secret" });
    await mx.play(`
      ${HELLO}
      C: AUTH PLAIN ${base64("\0jürgen@bücher.example\0secret")}
      S: 235 *
      C: MAIL FROM:<bob@example.org>
      S: 553 5.7.1 bob@example.org is not an address of j?rgen@xn--bcher-kva.example
      C: MAIL FROM:<bob@example.org> SMTPUTF8
      S: 553 5.7.1 bob@example.org is not an address of jürgen@bücher.example
      ${BYE}
    `);
  });

  it("may be anybody in a domain that the account catches", async () => {
    await listen();
    await mx.play(`
      ${HELLO}
      C: AUTH PLAIN ${base64("\0carol@example.org\0secret")}
      S: 235 *
      C: MAIL FROM:<whoever@example.com>
      S: 250 *
      ${BYE}
    `);
  });
});

it("delivers to local recipients, and says that others have to wait", async () => {
  await listen();
  await mx.play(`
    ${HELLO}
    ${LOGIN}
    C: MAIL FROM:<alice@example.org>
    S: 250 *
    C: RCPT TO:<friend@example.edu>
    S: 550 5.7.1 Mail to other servers is not sent from here yet: friend@example.edu is not local
    C: RCPT TO:<nobody@example.org>
    S: 550 5.1.1 No such user here: nobody@example.org
    C: RCPT TO:<bob@example.org>
    S: 250 *
    C: DATA
    S: 354 *
    C= ${JSON.stringify("Subject: by a program\nthat knows no CR\n\n..\n.\nend\r\n.\r\n")}
    S: 250 2.0.0 Queued as *
    ${BYE}
  `);
  expect(await mx.mails("bob@example.org")).toEqual([expect.stringMatching(/ with ESMTPA id /)]);
  expect(await mx.content("bob@example.org")).toBe(
    "Subject: by a program\r\nthat knows no CR\r\n\r\n..\r\n.\r\nend\r\n",
  );
});
