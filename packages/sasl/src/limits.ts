// Every bound of the mechanisms, by name.

/** What looking at tokens may take. */
export interface TokenLimits {
  /** How long the issuer may take to answer. */
  readonly issuerTimeoutMs: number;
  /** How old its keys may be before they are fetched anew, and how long one that is not among them waits for that. */
  readonly keysAgeMaxMs: number;
  readonly keysCooldownMs: number;
  /** An answer about one token. */
  readonly answerBytesMax: number;
  /** How far the issuer's clock may differ. */
  readonly clockSkewMs: number;
}

export const TOKEN_LIMITS: TokenLimits = {
  issuerTimeoutMs: 5_000,
  keysAgeMaxMs: 600_000,
  keysCooldownMs: 30_000,
  answerBytesMax: 65_536,
  clockSkewMs: 30_000,
};

/** Those that may be 0: keys are fetched for each token, clocks may not differ. */
export const TOKEN_ZEROS: readonly (keyof TokenLimits)[] = ["keysAgeMaxMs", "keysCooldownMs", "clockSkewMs"];
