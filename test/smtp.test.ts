// The listeners for mail as nodemailer sees them: what it sends is what is stored, and refusals reach it in full.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver, type MailStore } from "@pushmail/mailstore";
import { startSmtpIngest, type SmtpIngest, type SmtpIngestOptions } from "@pushmail/smtp-ingest";
import { createTransport } from "nodemailer";
import { TEST_CERTIFICATE } from "./support/test-certificate.ts";

const ignored = (): void => undefined;
const LOG = { debug: ignored, info: ignored, warn: ignored, error: ignored };
const ENVELOPE = { from: "bob@example.net", to: ["alice@example.org"] };
const LOGIN = { user: "alice@example.org", pass: "secret" };

let store: MailStore;
let ingest: SmtpIngest;

beforeEach(async () => {
  store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  await store.createAccount({ address: "alice@example.org", password: "secret" });
  await store.createAccount({ address: "zoë@example.org", password: "secret", quotaBytesMax: 5_000 });
});

afterEach(async () => {
  await ingest.close();
  await store.close();
});

async function listen(kind: SmtpIngestOptions["kind"], options: Partial<SmtpIngestOptions> = {}): Promise<void> {
  const at = { host: "127.0.0.1", port: 0, hostname: "mx.example.org" };
  ingest = await startSmtpIngest({ store, kind, ...at, log: LOG, ...options });
}

/** A whole message as nodemailer composes it. */
async function compose(mail: object): Promise<Buffer> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const { message } = await composer.sendMail({ from: ENVELOPE.from, to: "Alice <alice@example.org>", ...mail });
  return message as Buffer;
}

function transport(options: object = {}): ReturnType<typeof createTransport> {
  const { host, port } = ingest.address;
  return createTransport({ host, port, ignoreTLS: true, tls: { rejectUnauthorized: false }, ...options });
}

/** The mails of an inbox without the trace header put in front of each. */
async function stored(address: string): Promise<Buffer[]> {
  const account = await store.findAccount(address);
  const inbox = account && (await store.mailbox(account.id, "INBOX"));
  if (account === undefined || inbox === undefined) throw new Error(`no inbox of ${address}`);
  const handle = await store.open({ account: account.id, mailbox: inbox.id });
  const mails: Buffer[] = [];
  for await (const batch of handle.metadata([[1, inbox.uidNext]])) {
    for (const { blob } of batch) {
      const pieces: Uint8Array[] = [];
      for await (const piece of store.body(blob)) pieces.push(piece);
      const mail = Buffer.concat(pieces);
      const trace = /^Return-Path: .*\r\nReceived: .*(?:\r\n\t.*)*\r\n/.exec(mail.toString("latin1"));
      mails.push(mail.subarray(trace?.[0].length));
    }
  }
  handle.release();
  return mails;
}

describe("a mail sent by nodemailer", () => {
  it.each([
    ["with dots and lines of all kinds", { subject: "Grüße", text: ".\n..\n...\n\n.end\n.", encoding: "8bit" }],
    ["with attachments", { text: "see", attachments: [{ filename: "x.bin", content: randomBytes(3_000_000) }] }],
    ["with nothing in it", {}],
  ])("%s is stored byte for byte", async (_name, mail) => {
    await listen("smtp");
    const raw = await compose(mail);
    const { accepted, response } = await transport().sendMail({ envelope: ENVELOPE, raw });
    expect(accepted).toEqual(ENVELOPE.to);
    expect(response).toMatch(/^250 2\.0\.0 Queued as /);
    const [content, ...more] = await stored("alice@example.org");
    expect(more).toEqual([]);
    // SMTP has no last line without an end.
    const whole = raw.toString("latin1").endsWith("\r\n") ? raw : Buffer.concat([raw, Buffer.from("\r\n")]);
    expect(content?.equals(whole)).toBe(true);
  });

  it("arrives once each, of hundreds over a pool of connections", async () => {
    await listen("smtp");
    const pool = transport({ pool: true, maxConnections: 4 });
    const texts = Array.from({ length: 300 }, (_, i) => `mail ${i}`);
    await Promise.all(texts.map((text) => pool.sendMail({ ...ENVELOPE, text })));
    pool.close();
    const bodies = (await stored("alice@example.org")).map((mail) => mail.toString().split("\r\n\r\n")[1]?.trim());
    expect(bodies).toHaveLength(texts.length);
    expect(new Set(bodies)).toEqual(new Set(texts));
  });

  it("goes to an address beyond ASCII", async () => {
    await listen("smtp");
    await transport().sendMail({ from: ENVELOPE.from, to: "zoë@example.org", text: "hello" });
    expect(await stored("zoë@example.org")).toHaveLength(1);
  });
});

describe("what nodemailer is told", () => {
  it("of recipients that are not there, while the others get theirs", async () => {
    await listen("smtp");
    const to = ["alice@example.org", "nobody@example.org", "x@example.edu"];
    const { accepted, rejectedErrors } = await transport().sendMail({ ...ENVELOPE, to, text: "hello" });
    expect(accepted).toEqual(["alice@example.org"]);
    expect(rejectedErrors?.map((error: { response?: string }) => error.response)).toEqual([
      "550 5.1.1 No such user here: nobody@example.org",
      "550 5.7.1 Relaying denied: x@example.edu is not local",
    ]);
    expect(await stored("alice@example.org")).toHaveLength(1);
  });

  it("of a mail too large, whether it says its size or not", async () => {
    await listen("smtp", { limits: { messageBytesMax: 10_000 } });
    const raw = Buffer.from("x\r\n".repeat(4_000));
    const declared = transport().sendMail({ envelope: { ...ENVELOPE, size: raw.length }, raw });
    await expect(declared).rejects.toThrow("larger than allowed 10000");
    await expect(transport().sendMail({ envelope: ENVELOPE, raw })).rejects.toMatchObject({ responseCode: 552 });
    expect(await stored("alice@example.org")).toEqual([]);
  });

  it("of each recipient by LMTP", async () => {
    await listen("lmtp");
    const to = ["alice@example.org", "zoë@example.org"];
    const text = "x\n".repeat(3_000);
    const { accepted, rejected } = await transport({ lmtp: true }).sendMail({ ...ENVELOPE, to, text });
    expect(accepted).toEqual(["alice@example.org"]);
    expect(rejected).toEqual(["zoë@example.org"]);
    expect(await stored("alice@example.org")).toHaveLength(1);
    expect(await stored("zoë@example.org")).toEqual([]);
  });
});

describe("nodemailer logs in", () => {
  it.each([
    ["in clear on this machine", {}, {}],
    ["by PLAIN over STARTTLS", { tls: TEST_CERTIFICATE }, { ignoreTLS: false, requireTLS: true }],
    ["by LOGIN over STARTTLS", { tls: TEST_CERTIFICATE }, { ignoreTLS: false, authMethod: "LOGIN" }],
    ["over implicit TLS", { tls: TEST_CERTIFICATE, implicitTls: true }, { secure: true }],
  ])("%s", async (_name, server, client) => {
    await listen("submission", server);
    const mail = { from: LOGIN.user, to: LOGIN.user, text: "to myself" };
    await transport({ ...client, auth: LOGIN }).sendMail(mail);
    expect(await stored("alice@example.org")).toHaveLength(1);
    const foreign = transport({ ...client, auth: LOGIN }).sendMail({ ...mail, from: "bob@example.net" });
    await expect(foreign).rejects.toMatchObject({ responseCode: 553 });
  });

  it("with the wrong password in vain", async () => {
    await listen("submission", { limits: { authFailureDelayMs: 0 } });
    const auth = { ...LOGIN, pass: "wrong" };
    const mail = { from: LOGIN.user, to: LOGIN.user, text: "x" };
    await expect(transport({ auth }).sendMail(mail)).rejects.toMatchObject({ code: "EAUTH", responseCode: 535 });
  });
});
