// Tokens that carry their proof: JWT (RFC 7519) under a key of the issuer (RFC 7517).
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
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
      const { payload } = await jwtVerify(token, getKey, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ["exp"],
        clockTolerance: limits.clockSkewMs / 1_000,
        currentDate: new Date(now()),
      });
      return payload;
    } catch (error) {
      const isToken = error instanceof errors.JOSEError && !ISSUER_ERRORS.has(error.code);
      throw isToken ? tokenRefused(error.message) : issuerUnavailable(error);
    }
  };
}
