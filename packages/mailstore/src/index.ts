// The only door to the mail store.
export { normalizeAddress, normalizeAliases, normalizeDomain } from "./mail-address.ts";
export type * from "./change.ts";
export type * from "./driver.ts";
export { FLAG_KINDS, kindOfFlag, type FlagKind } from "./flag-sets.ts";
export { follow, type FollowOptions } from "./follow.ts";
export { harmless } from "./harmless.ts";
export * from "./ids.ts";
export * from "./level/index.ts";
export { checkLimits, isLimit, limitMustBe, limitsGiven } from "./check-limits.ts";
export { clientNetwork } from "./client-network.ts";
export {
  DEFAULT_STORE_LIMITS,
  LOGIN_LIMITS,
  LOGIN_ZEROS,
  STORE_ZEROS,
  type LoginLimits,
  type StoreLimits,
} from "./limits.ts";
export { LoginThrottle, type LoginAttempt, type LoginThrottleOptions } from "./login-throttle.ts";
export { steadyNow } from "./steady-clock.ts";
export * from "./message/index.ts";
export * from "./mailbox-rights.ts";
export { openMailStore, type MailStoreOptions } from "./open-mail-store.ts";
export { findSaslprep, loadSaslprep } from "./prepare-password.ts";
export * from "./refusal.ts";
export { DEFAULT_SCRAM_ITERATIONS, deriveScramKey } from "./scram-keys.ts";
export type { ScramHash, ScramKey, ScramSalt } from "./scram-keys.ts";
export {
  DEFAULT_SCRYPT_COST,
  isScryptCost,
  isScryptOf,
  SCRYPT_COST_MUST_BE,
  scryptText,
  type ScryptCost,
} from "./scrypt-text.ts";
export { SharedRoom } from "./shared-room.ts";
export type * from "./store.ts";
export { superiorsOf } from "./superiors.ts";
export { TaskSlots } from "./task-slots.ts";
export * from "./uid-set.ts";
