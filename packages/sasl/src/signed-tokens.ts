// Tokens that carry their proof: JWT (RFC 7519) under a key of the issuer (RFC 7517).
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { issuerUnavailable, tokenRefused, type CheckOptions, type Claims } from "./token-claims.ts";

/** RFC 8725 3.1: those whose key we may publish, and no other. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Errors of jose that say nothing of the token. */
const ISSUER_ERRORS: ReadonlySet<string> = new Set(["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"]);

export function signatureChecker(
  keys: JSONWebKeySet | URL,
  { issuer, audience, limits, now }: CheckOptions,
): (token: string) => Promise<Claims> {
  const getKey: JWTVerifyGetKey =
    keys instanceof URL
      ? createRemoteJWKSet(keys, {
          timeoutDuration: limits.issuerTimeoutMs,
          cacheMaxAge: limits.keysAgeMaxMs,
          cooldownDuration: limits.keysCooldownMs,
        })
      : createLocalJWKSet(keys);
  return async (token) => {
    try {
      return await verify(token, getKey, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ["exp"],
        clockTolerance: limits.clockSkewMs / 1_000,
        currentDate: new Date(now()),
      });
    } catch (error) {
      const isToken = error instanceof errors.JOSEError && !ISSUER_ERRORS.has(error.code);
      throw isToken ? tokenRefused(error.message) : issuerUnavailable(error);
    }
  };
}

/** The claims of a token. One that does not name its key (RFC 7515 4.1.4) may be under any that would do. */
async function verify(token: string, getKey: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, getKey, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (fault) {
        if (!(fault instanceof errors.JWSSignatureVerificationFailed)) throw fault;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}
