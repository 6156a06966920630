// Tolerances by their names, for those who want to do without some, or all.
import { IMAP_TOLERANCES, type ImapTolerance } from "@pushmail/imap-idle-server";
import { SASL_TOLERANCES, type SaslTolerance } from "@pushmail/sasl";
import { SMTP_TOLERANCES, type SmtpTolerance } from "@pushmail/smtp-ingest";
import { StartFault } from "./start-fault.ts";

export type Tolerance = SaslTolerance | SmtpTolerance | ImapTolerance;

const TOLERANCES: readonly Tolerance[] = [...SASL_TOLERANCES, ...SMTP_TOLERANCES, ...IMAP_TOLERANCES];

/** The tolerances that names stand for; `all` is every one. */
export function strictnessOf(names: readonly string[]): ReadonlySet<Tolerance> {
  const unknown = names.find((name) => name !== "all" && !TOLERANCES.some((known) => known === name));
  if (unknown !== undefined)
    throw new StartFault(`strict: there is no tolerance ${unknown} (${TOLERANCES.join(", ")})`);
  return new Set(TOLERANCES.filter((known) => names.includes("all") || names.includes(known)));
}
