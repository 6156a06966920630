// The only door to the mechanisms.
export type { SaslChannel } from "./channel.ts";
export { TOKEN_LIMITS, TOKEN_ZEROS, type TokenLimits } from "./limits.ts";
export type { SaslHost } from "./exchange.ts";
export { Sasl, type SaslOptions } from "./sasl.ts";
export { SaslFault } from "./sasl-fault.ts";
export { SASL_TOLERANCES, type SaslStrictness, type SaslTolerance } from "./tolerances.ts";
export { tlsContextOptions, type TlsCredentials } from "./tls-context.ts";
export { createTokenChecker, type TokenChecker, type TokenSettings } from "./token-checker.ts";
