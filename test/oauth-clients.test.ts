// Tokens as client libraries send them, through the settings of the whole server.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { ImapFlow } from "imapflow";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createTransport } from "nodemailer";
import { startPushmail, type Pushmail } from "pushmail";
import { makeDataDirectory, type DataDirectory } from "./support/data-directory.ts";

const USER = "ann@example.org";
const ISSUER = { oauthIssuer: "https://id.example.org", oauthAudience: "mail" };

let directory: DataDirectory;
let server: Pushmail;
let token: string;

beforeAll(async () => {
  directory = await makeDataDirectory([]);
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const oauthKeys = join(directory.path, "keys.json");
  await writeFile(oauthKeys, JSON.stringify({ keys: [await exportJWK(publicKey)] }));
  server = await startPushmail({ users: { [USER]: "secret" }, ...ISSUER, oauthKeys });
  token = await new SignJWT({ email: USER })
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer(ISSUER.oauthIssuer)
    .setAudience(ISSUER.oauthAudience)
    .setExpirationTime("1h")
    .sign(privateKey);
});

afterAll(async () => {
  await server.close();
  await directory.remove();
});

function imap(accessToken: string): ImapFlow {
  const { host, port } = server.imaps ?? { host: "", port: 0 };
  const tls = { rejectUnauthorized: false };
  return new ImapFlow({ host, port, secure: true, tls, auth: { user: USER, accessToken }, logger: false });
}

it("let nodemailer in, and imapflow to what it has sent", async () => {
  const sender = createTransport({
    ...server.submissions,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { type: "OAUTH2", user: USER, accessToken: token },
  });
  await sender.sendMail({ from: USER, to: USER, subject: "by token", text: "hello" });
  sender.close();
  const client = imap(token);
  await client.connect();
  expect(await client.status("INBOX", { messages: true })).toMatchObject({ messages: 1 });
  await client.logout();
});

it("keep imapflow out where they are of no use, and tell it where to get others", async () => {
  const client = imap(`${token.slice(0, -4)}AAAA`);
  await expect(client.connect()).rejects.toMatchObject({
    authenticationFailed: true,
    serverResponseCode: "AUTHENTICATIONFAILED",
    oauthError: expect.objectContaining({
      "openid-configuration": "https://id.example.org/.well-known/openid-configuration",
    }),
  });
});
