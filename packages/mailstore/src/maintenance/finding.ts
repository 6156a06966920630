/** One thing that is not as it should be, and where. */
export interface Finding {
  readonly what: string;
  readonly file?: string;
  readonly offset?: number;
  /** The account's address. */
  readonly account?: string;
  /** The mailbox' name. */
  readonly mailbox?: string;
  readonly uid?: number;
  readonly subject?: string;
  readonly messageId?: string;
}

/** A finding as one line. */
export function findingLine({ what, file, offset, ...message }: Finding): string {
  const where = file === undefined ? "" : `: ${file}${offset === undefined ? "" : ` at offset ${offset}`}`;
  const whose = Object.entries(message).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return what + where + (whose.length === 0 ? "" : ` (${whose.join(", ")})`);
}
