// What clients do that the grammar does not have, and what is let pass for it: docs/clients.md says whose it is, and why.

export const SASL_TOLERANCES = ["loginMechanism", "plainNameInFront", "scramEmptyIdentity"] as const;
export type SaslTolerance = (typeof SASL_TOLERANCES)[number];

/** Those that are done without. */
export type SaslStrictness = Pick<ReadonlySet<SaslTolerance>, "has">;
