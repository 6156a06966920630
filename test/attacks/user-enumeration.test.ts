// Who guesses addresses learns nothing by logging in: the answer to a wrong password and to an address that nobody has
// is the same text after the same work, one hash, or the same challenge. That RCPT tells who exists is what RCPT is for.
import crypto from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { AttackedServer, PASSWORD } from "../support/attacked-server.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { ScramClient } from "../support/scram-client.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Logs in with a password that is wrong; gives the answer. */
type Login = (address: string) => Promise<string>;

const scrypt = crypto.scrypt;
let server: AttackedServer;
let hashes = 0;

beforeAll(async () => {
  // Nobody waits for those who failed before: the work is what is looked at.
  server = await AttackedServer.start({ smtp: { authFailureDelayMs: 0 }, login: { loginDelayMs: 0 } });
  const counting = (...args: unknown[]): void => {
    hashes++;
    Reflect.apply(scrypt, crypto, args);
  };
  Object.assign(crypto, { scrypt: counting });
});

afterAll(async () => {
  Object.assign(crypto, { scrypt });
  await server.stop();
});

const imapBy = (...lines: readonly ((address: string) => string)[]): Login => {
  return async (address) => {
    const client = await RawImap.connect(server.address("imap"));
    client.write(`a ${lines[0]?.(address)}\r\n`);
    for (const line of lines.slice(1)) {
      await client.next("a continuation");
      client.write(`${line(address)}\r\n`);
    }
    const answer = await client.next("the answer to a login");
    client.close();
    return answer;
  };
};

const smtpBy = (...lines: readonly ((address: string) => string)[]): Login => {
  return async (address) => {
    const client = await RawSmtp.connect(server.address("submission"));
    let answer = "";
    for (const line of lines) answer = await client.command(line(address));
    client.close();
    return answer;
  };
};

const plain = (address: string): string => base64(`\0${address}\0wrong`);
const WAYS: readonly (readonly [string, Login])[] = [
  ["IMAP LOGIN", imapBy((address) => `LOGIN "${address}" wrong`)],
  [
    "IMAP LOGIN with literals",
    imapBy(
      (a) => `LOGIN {${Buffer.byteLength(a)}}`,
      (a) => `${a} {5}`,
      () => "wrong",
    ),
  ],
  ["IMAP AUTHENTICATE PLAIN", imapBy(() => "AUTHENTICATE PLAIN", plain)],
  ["IMAP AUTHENTICATE PLAIN at once", imapBy((address) => `AUTHENTICATE PLAIN ${plain(address)}`)],
  [
    "IMAP AUTHENTICATE LOGIN",
    imapBy(
      () => "AUTHENTICATE LOGIN",
      base64,
      () => base64("wrong"),
    ),
  ],
  ["SMTP AUTH PLAIN", smtpBy((address) => `AUTH PLAIN ${plain(address)}`)],
  [
    "SMTP AUTH LOGIN",
    smtpBy(
      () => "AUTH LOGIN",
      base64,
      () => base64("wrong"),
    ),
  ],
];

/** Addresses that nobody has, of every kind that might take another way through the server. */
const NOBODYS = [
  "nobody@example.org",
  "nobody@example.net",
  "nobody",
  "@example.org",
  `${"n".repeat(300)}@example.org`,
  "a b@c",
];

describe("a login that fails", () => {
  it.each(WAYS)("by %s is answered the same way whoever it is, after one hash", async (way, login) => {
    // Each of its own: how long a next one takes is counted by account.
    const known = `known-${way.replaceAll(" ", "-")}@example.org`.toLowerCase();
    await server.pushmail.store.createAccount({ address: known, password: PASSWORD });
    const seen: { answer: string; hashes: number }[] = [];
    for (const address of [
      known,
      ...NOBODYS.map((nobody) => nobody.replace("nobody", `nobody-${WAYS.findIndex(([name]) => name === way)}`)),
    ]) {
      hashes = 0;
      seen.push({ answer: await login(address), hashes });
    }
    expect(seen[0]).toEqual({ answer: expect.stringMatching(/wrong user name or password/), hashes: 1 });
    expect(seen).toEqual(seen.map(() => seen[0]));
  });
});

describe("SCRAM that fails", () => {
  it.each(["SHA-1", "SHA-256"] as const)("by %s begins and ends the same way whoever it is", async (hash) => {
    const seen: object[] = [];
    const salts = new Set<string>();
    for (const name of ["alice@example.org", "nobody@example.org", "nobody", "@example.org"]) {
      const scram = new ScramClient({ hash, name, password: "wrong" });
      const client = await RawImap.connect(server.address("imap"));
      client.write(`a AUTHENTICATE SCRAM-${hash} ${base64(scram.first)}\r\n`);
      const challenge = Buffer.from((await client.next("a challenge")).slice(2), "base64").toString();
      client.write(`${base64(scram.final(challenge))}\r\n`);
      salts.add(/s=([^,]+)/.exec(challenge)?.[1] ?? "");
      // Of the nonce and the salt it is the length that could tell.
      seen.push({ challenge: challenge.replace(/[^=,](?=[^,]*,)/g, "x"), answer: await client.next("the answer") });
      client.close();
    }
    expect(seen[0]).toMatchObject({ answer: "a NO [AUTHENTICATIONFAILED] wrong user name or password" });
    expect(seen).toEqual(seen.map(() => seen[0]));
    expect(salts.size).toBe(4);
  });
});

describe("SMTP", () => {
  it.each([
    ["VRFY", /^252 /],
    ["EXPN", /^502 /],
  ])("%s says the same of everybody", async (command, answer) => {
    const client = await RawSmtp.connect(server.address("smtp"));
    const answers = new Set<string>();
    for (const who of ["alice", "alice@example.org", "nobody@example.org"])
      answers.add(await client.command(`${command} ${who}`));
    expect([...answers]).toEqual([expect.stringMatching(answer)]);
    client.close();
  });

  it("RCPT alone tells who exists, for a mail must be refused before it is taken", async () => {
    const client = await RawSmtp.connect(server.address("smtp"));
    await client.command("MAIL FROM:<x@example.net>");
    expect(await client.command("RCPT TO:<alice@example.org>")).toMatch(/^250 /);
    expect(await client.command("RCPT TO:<nobody@example.org>")).toBe(
      "550 5.1.1 No such user here: nobody@example.org",
    );
    client.close();
  });
});
