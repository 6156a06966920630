// Tokens that say nothing themselves: their issuer is asked (RFC 7662).
import { issuerUnavailable, tokenRefused, type CheckOptions, type Claims } from "./token-claims.ts";

export async function introspect(token: string, endpoint: URL, options: CheckOptions): Promise<Claims> {
  const { issuer, audience, limits, now } = options;
  let claims: Claims;
  try {
    claims = await ask(token, endpoint, options);
  } catch (error) {
    throw issuerUnavailable(error);
  }
  // RFC 7662 2.2: all but `active` is up to the issuer; what it says must fit.
  if (claims["active"] !== true) throw tokenRefused("it is not active");
  const { iss, aud = audience, exp } = claims;
  if (iss !== undefined && iss !== issuer) throw tokenRefused("it is of another issuer");
  if (!(Array.isArray(aud) ? aud : [aud]).includes(audience)) throw tokenRefused("it is for somebody else");
  if (typeof exp === "number" && exp * 1_000 + limits.clockSkewMs <= now()) throw tokenRefused("it has expired");
  return claims;
}

async function ask(token: string, endpoint: URL, { limits }: CheckOptions): Promise<Claims> {
  const url = new URL(endpoint);
  const [name, password] = [url.username, url.password].map(decodeURIComponent);
  url.username = url.password = "";
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      accept: "application/json",
      ...(name === "" ? {} : { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` }),
    },
    body: new URLSearchParams({ token, token_type_hint: "access_token" }),
    redirect: "error",
    signal: AbortSignal.timeout(limits.issuerTimeoutMs),
  });
  const text = await textOf(answer, limits.answerBytesMax);
  if (!answer.ok) throw new Error(`the issuer answers with ${answer.status}`);
  const claims = JSON.parse(text) as unknown;
  if (typeof claims !== "object" || claims === null) throw new Error("the issuer answers with no object");
  return claims as Claims;
}

async function textOf({ body }: Response, bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new Error("the issuer's answer is too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
