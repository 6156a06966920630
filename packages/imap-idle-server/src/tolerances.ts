// What clients do that the grammar does not have, and what is let pass for it: docs/clients.md says whose it is, and why.

export const IMAP_TOLERANCES = ["eightBitHeader"] as const;
export type ImapTolerance = (typeof IMAP_TOLERANCES)[number];

/** Those that are done without. */
export type ImapStrictness = Pick<ReadonlySet<ImapTolerance>, "has">;
