// Tokens: what a signature must cover, and an issuer that is asked, answers badly, or not at all.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from "jose";
import { createTokenChecker, type TokenChecker, type TokenSettings } from "./token-checker.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const NOW = NOW_MS / 1_000;
const GOOD = { iss: "https://id.example.org", aud: "mail", exp: NOW + 60, email: "alice@example.org" };
const REFUSED = { code: "authenticationFailed" };
const UNAVAILABLE = { code: "loginUnavailable" };

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

let issuer: Server;
let url: URL;
let answer: Answer;
let asked = 0;
let keys: Keys;
let otherKeys: Keys;

beforeAll(async () => {
  keys = await generateKeyPair("RS256");
  otherKeys = await generateKeyPair("RS256");
  issuer = createServer((request, response) => {
    asked++;
    void answer(request, response);
  });
  await once(issuer.listen(0, "127.0.0.1"), "listening");
  url = new URL(`http://127.0.0.1:${(issuer.address() as AddressInfo).port}/it`);
});

afterAll(() => {
  issuer.closeAllConnections();
  issuer.close();
});

beforeEach(() => {
  asked = 0;
});

function sign(claims: JWTPayload, by: Keys = keys, header: { readonly kid?: string } = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", ...header }).sign(by.privateKey);
}

function checker(source: TokenSettings["source"], settings: Partial<TokenSettings> = {}): Promise<TokenChecker> {
  const limits = { issuerTimeoutMs: 10_000, clockSkewMs: 5_000, answerBytesMax: 1_000 };
  const { iss, aud } = GOOD;
  return createTokenChecker({
    issuer: iss,
    audience: aud,
    claim: "email",
    source,
    limits,
    now: () => NOW_MS,
    ...settings,
  });
}

async function ownKeys(): Promise<TokenSettings["source"]> {
  return { keys: { keys: [await exportJWK(keys.publicKey)] } };
}

function json(value: unknown, status = 200): Answer {
  return (_request, response) => void response.writeHead(status).end(JSON.stringify(value));
}

describe("a signed token", () => {
  it.each<readonly [string, JWTPayload]>([
    ["as it should be", GOOD],
    ["for several", { ...GOOD, aud: ["calendar", "mail"] }],
    ["expired within what clocks may differ", { ...GOOD, exp: NOW - 4 }],
    ["of a verified address", { ...GOOD, email_verified: true }],
    ["of a verified address, in a string", { ...GOOD, email_verified: "true" }],
  ])("%s names the account", async (_what, claims) => {
    expect(await (await checker(await ownKeys())).check(await sign(claims))).toBe("alice@example.org");
  });

  it.each<readonly [string, JWTPayload]>([
    ["expired", { ...GOOD, exp: NOW - 6 }],
    ["without an end", { iss: GOOD.iss, aud: GOOD.aud, email: GOOD.email }],
    ["of tomorrow", { ...GOOD, nbf: NOW + 6 }],
    ["of another issuer", { ...GOOD, iss: "https://id.example.net" }],
    ["for another service", { ...GOOD, aud: "calendar" }],
    ["for nobody", { iss: GOOD.iss, exp: GOOD.exp, email: GOOD.email }],
    ["without an address", { iss: GOOD.iss, aud: GOOD.aud, exp: GOOD.exp }],
    ["with something else for an address", { ...GOOD, email: ["alice@example.org"] }],
    ["of an address that is not verified", { ...GOOD, email_verified: false }],
    ["of an address that is not verified, in a string", { ...GOOD, email_verified: "false" }],
  ])("%s is refused", async (_what, claims) => {
    await expect((await checker(await ownKeys())).check(await sign(claims))).rejects.toMatchObject(REFUSED);
  });

  it("is refused under another key, without one, and under the public key as a secret", async () => {
    const own = await checker(await ownKeys());
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)));
    for (const token of [
      await sign(GOOD, otherKeys),
      new UnsecuredJWT(GOOD).encode(),
      await new SignJWT(GOOD).setProtectedHeader({ alg: "HS256" }).sign(secret),
      (await sign(GOOD)).replace(/\.[^.]+$/, "."),
      "nonsense",
      "",
    ]) {
      await expect(own.check(token)).rejects.toMatchObject(REFUSED);
    }
  });

  it("that does not name its key is held against all that it may be under", async () => {
    const [own, other] = await Promise.all([keys, otherKeys].map(({ publicKey }) => exportJWK(publicKey)));
    const both = await checker({
      keys: {
        keys: [
          { ...other, kid: "1" },
          { ...own, kid: "2" },
        ],
      },
    });
    expect(await both.check(await sign(GOOD))).toBe(GOOD.email);
    expect(await both.check(await sign(GOOD, otherKeys))).toBe(GOOD.email);
    for (const token of [
      await sign(GOOD, await generateKeyPair("RS256")),
      await sign(GOOD, keys, { kid: "1" }),
      await sign({ ...GOOD, aud: "calendar" }),
    ])
      await expect(both.check(token)).rejects.toMatchObject(REFUSED);
  });

  it("may name the account in another claim", async () => {
    const own = await checker(await ownKeys(), { claim: "preferred_username" });
    const token = await sign({ ...GOOD, preferred_username: "bob@example.org", email_verified: false });
    expect(await own.check(token)).toBe("bob@example.org");
  });

  it("is held against keys that are fetched once", async () => {
    answer = json({ keys: [await exportJWK(keys.publicKey)] });
    const own = await checker({ keys: url });
    for (let i = 0; i < 3; i++) expect(await own.check(await sign(GOOD))).toBe(GOOD.email);
    await expect(own.check(await sign(GOOD, otherKeys))).rejects.toMatchObject(REFUSED);
    expect(asked).toBe(1);
  });

  it("is held against keys that are fetched anew when they are old", async () => {
    answer = json({ keys: [await exportJWK(keys.publicKey)] });
    const own = await checker({ keys: url }, { limits: { keysAgeMaxMs: 0 } });
    for (let i = 0; i < 3; i++) expect(await own.check(await sign(GOOD))).toBe(GOOD.email);
    expect(asked).toBe(3);
  });

  it("is held against a new key when it may be asked for again", async () => {
    const [first, second] = [await exportJWK(keys.publicKey), await exportJWK(otherKeys.publicKey)];
    const late = await sign(GOOD, otherKeys, { kid: "second" });
    for (const keysCooldownMs of [60_000, 0]) {
      answer = json({ keys: [{ ...first, kid: "first" }] });
      const own = await checker({ keys: url }, { limits: { keysCooldownMs } });
      await own.check(await sign(GOOD, keys, { kid: "first" }));
      answer = json({ keys: [{ ...second, kid: "second" }] });
      if (keysCooldownMs > 0) await expect(own.check(late)).rejects.toMatchObject(REFUSED);
      else expect(await own.check(late)).toBe(GOOD.email);
    }
  });

  it.each<readonly [string, Answer]>([
    ["an error", json({}, 500)],
    ["no keys", json({ no: "keys" })],
    ["nonsense", (_request, response) => void response.end("nonsense")],
    ["nothing", (request) => void request.socket.destroy()],
  ])("cannot be looked at while its issuer answers with %s", async (_what, answers) => {
    answer = answers;
    await expect((await checker({ keys: url })).check(await sign(GOOD))).rejects.toMatchObject(UNAVAILABLE);
  });
});

describe("a token whose issuer is asked", () => {
  it("names the account; who asks says who he is", async () => {
    const seen: unknown[] = [];
    answer = async (request, response) => {
      const { method, url: path, headers } = request;
      seen.push({ method, path, authorization: headers.authorization, body: await text(request) });
      response.end(JSON.stringify({ active: true, email: GOOD.email }));
    };
    const named = new URL(url);
    named.username = "mail server";
    named.password = "p@ss";
    expect(await (await checker({ introspection: named })).check("opaque+token")).toBe(GOOD.email);
    expect(await (await checker({ introspection: url })).check("other")).toBe(GOOD.email);
    const basic = `Basic ${Buffer.from("mail server:p@ss").toString("base64")}`;
    const form = (token: string): string => `token=${token}&token_type_hint=access_token`;
    expect(seen).toEqual([
      { method: "POST", path: "/it", authorization: basic, body: form("opaque%2Btoken") },
      { method: "POST", path: "/it", authorization: undefined, body: form("other") },
    ]);
  });

  it.each<readonly [string, object]>([
    ["not active", { active: false, email: GOOD.email }],
    ["as good as active", { active: "true", email: GOOD.email }],
    ["of another issuer", { ...GOOD, active: true, iss: "https://id.example.net" }],
    ["for another service", { ...GOOD, active: true, aud: ["calendar"] }],
    ["expired", { ...GOOD, active: true, exp: NOW - 6 }],
    ["without an address", { active: true }],
  ])("is refused where it is %s", async (_what, claims) => {
    answer = json(claims);
    await expect((await checker({ introspection: url })).check("token")).rejects.toMatchObject(REFUSED);
  });

  it.each<readonly [string, Answer]>([
    ["an error", json({ active: true, email: GOOD.email }, 401)],
    ["nonsense", (_request, response) => void response.end("nonsense")],
    ["no object", json(null)],
    ["too much", json({ active: true, email: GOOD.email, more: "x".repeat(1_000) })],
    ["another address", (_request, response) => void response.writeHead(302, { location: url.href }).end()],
    ["nothing", (request) => void request.socket.destroy()],
  ])("cannot be looked at while the answer is %s", async (_what, answers) => {
    answer = answers;
    await expect((await checker({ introspection: url })).check("token")).rejects.toMatchObject(UNAVAILABLE);
  });

  it("is not told to another address, be it active there", async () => {
    const elsewhere = new URL("/elsewhere", url);
    answer = (request, response) => {
      if (request.url === elsewhere.pathname) return json({ active: true, email: GOOD.email })(request, response);
      response.writeHead(307, { location: elsewhere.href }).end();
    };
    await expect((await checker({ introspection: url })).check("token")).rejects.toMatchObject(UNAVAILABLE);
    expect(asked).toBe(1);
  });

  it("cannot be looked at where the answer does not come", async () => {
    answer = () => undefined;
    const limits = { issuerTimeoutMs: 1 };
    await expect((await checker({ introspection: url }, { limits })).check("token")).rejects.toMatchObject(UNAVAILABLE);
  });
});
