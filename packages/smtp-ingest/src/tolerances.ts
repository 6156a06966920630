// What clients do that the grammar does not have, and what is let pass for it: docs/clients.md says whose it is, and why.

export const SMTP_TOLERANCES = ["bareLineEnds", "blankAfterColon", "oddDots"] as const;
export type SmtpTolerance = (typeof SMTP_TOLERANCES)[number];

/** Those that are done without. */
export type SmtpStrictness = Pick<ReadonlySet<SmtpTolerance>, "has">;
