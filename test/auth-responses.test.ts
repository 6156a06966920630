// A response of SASL is what it is, whatever command of SMTP or IMAP it spells: base64 has words, too.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LineClient } from "./support/line-client.ts";
import { LoginServers } from "./support/login-servers.ts";
import { ScramClient } from "./support/scram-client.ts";

const NAME = "ann@example.org";
/** In base64 they are RCpt, RCpT and MAIl. */
const SPELLING = ["D*m", "D*S", "0\u0002%"];
const WORDS = ["MAIL", "rcpt", "Data", "AUTH", "QUIT", "HELO", "EHLO", "RSET", "NOOP", "STARTTLS"];

let servers: LoginServers;

beforeAll(async () => {
  const spelling = SPELLING.map((password, i) => [`ann${i}@example.org`, password]);
  servers = await LoginServers.start({ [NAME]: "secret", ...Object.fromEntries(spelling) });
});

afterAll(() => servers.stop());

interface Protocol {
  address(): { readonly host: string; readonly port: number };
  readonly authenticate: string;
  /** Which lines say how it goes on. */
  readonly answer: RegExp;
  readonly challenge: string;
  readonly success: string;
  readonly failure: string;
  readonly fault: string;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  IMAP: {
    address: () => servers.imap.address,
    authenticate: "a AUTHENTICATE",
    answer: /^(?:\+|a \w+) /,
    challenge: "+ ",
    success: "a OK ",
    failure: "a NO [AUTHENTICATIONFAILED] ",
    fault: "a BAD ",
  },
  submission: {
    address: () => servers.submission.address,
    authenticate: "EHLO client.example\r\nAUTH",
    answer: /^[3-5]\d\d |^235 /,
    challenge: "334 ",
    success: "235 2.7.0 ",
    failure: "535 5.7.8 ",
    fault: "501 5.5.2 ",
  },
};

/** What the server says at the end of an exchange: each step is made of the challenge before it, and sent in base64. */
async function converse(
  protocol: Protocol,
  mechanism: string,
  steps: readonly ((challenge: string) => string)[],
): Promise<string> {
  const { authenticate, answer, challenge } = protocol;
  const client = await LineClient.connect(protocol.address());
  const next = async (): Promise<string> => {
    for (;;) {
      const line = await client.line();
      if (line === undefined) return "";
      if (answer.test(line)) return line;
    }
  };
  try {
    await client.send(`${authenticate} ${mechanism}\r\n`, "whole");
    for (const step of steps) {
      const asked = await next();
      if (!asked.startsWith(challenge)) return `too early: ${asked}`;
      const text = Buffer.from(asked.slice(challenge.length), "base64").toString();
      await client.send(`${step(text)}\r\n`, "whole");
    }
    return await next();
  } finally {
    client.destroy();
  }
}

function said(text: string): () => string {
  return () => Buffer.from(text).toString("base64");
}

describe.each(Object.keys(PROTOCOLS))("%s", (protocolName) => {
  const protocol = PROTOCOLS[protocolName] as Protocol;

  it("takes passwords that spell a command", async () => {
    const ends = SPELLING.map((password, i) =>
      converse(protocol, "LOGIN", [said(`ann${i}@example.org`), said(password)]),
    );
    for (const end of await Promise.all(ends)) expect(end).toContain(protocol.success);
  });

  it.each(WORDS)("takes %s for a response, whenever it is asked for one", async (word) => {
    const spell = (): string => word;
    const scram = new ScramClient({ hash: "SHA-256", name: NAME, password: "secret" });
    const first = said(scram.first);
    const final = (challenge: string): string => said(scram.final(challenge))();
    const { fault, failure } = protocol;
    expect(await converse(protocol, "PLAIN", [spell])).toContain(fault);
    expect(await converse(protocol, "LOGIN", [spell, said("secret")])).toContain(failure);
    expect(await converse(protocol, "LOGIN", [said(NAME), spell])).toContain(failure);
    expect(await converse(protocol, "SCRAM-SHA-256", [spell])).toContain(fault);
    expect(await converse(protocol, "SCRAM-SHA-256", [first, spell])).toContain(fault);
    expect(await converse(protocol, "SCRAM-SHA-256", [first, final, spell])).toContain(fault);
  });
});
