// The parameters of SELECT and EXAMINE: what a client knows of the mailbox already (RFC 7162 3.1.8, 3.2.5).
import type { Scanner } from "./scanner.ts";
import type { NumberRange } from "./sequence-set.ts";
import { parseSequenceSet, printSequenceSet, uidRequired } from "./sequence-set.ts";

/** The mailbox as the client last saw it. */
export interface KnownState {
  readonly uidValidity: number;
  readonly modSeq: number;
  /** The messages that it wants to hear of, as UIDs; null for all. */
  readonly uids: readonly NumberRange[] | null;
  /** Message numbers and the UIDs that they had, as many of the one as of the other (RFC 7162 3.2.5.2). */
  readonly match: { readonly numbers: readonly NumberRange[]; readonly uids: readonly NumberRange[] } | null;
}

export interface SelectParameters {
  readonly condstore: boolean;
  readonly known: KnownState | null;
}

/** What stands behind the mailbox' name, perhaps nothing. */
export function parseSelectParameters(scan: Scanner): SelectParameters {
  if (!scan.skip(" ")) return { condstore: false, known: null };
  const start = scan.position;
  const parameters = scan.list(() => (scan.skip("CONDSTORE") ? "CONDSTORE" : parseKnownState(scan)));
  const known = parameters.filter((parameter) => parameter !== "CONDSTORE");
  const condstores = parameters.length - known.length;
  if (parameters.length === 0 || condstores > 1 || known.length > 1) {
    throw scan.fault("Expected parameters, each once", start);
  }
  return { condstore: condstores === 1, known: known[0] ?? null };
}

function parseKnownState(scan: Scanner): KnownState {
  scan.expect("QRESYNC (");
  const uidValidity = scan.nzNumber();
  scan.space();
  const start = scan.position;
  const modSeq = scan.number64();
  if (modSeq === 0) throw scan.fault("Expected a number above 0", start);
  let match = scan.skip(" (") ? parseMatch(scan) : null;
  const uids = match === null && scan.skip(" ") ? parseNumbers(scan) : null;
  if (uids !== null && scan.skip(" (")) match = parseMatch(scan);
  scan.expect(")");
  return { uidValidity, modSeq, uids, match };
}

function parseMatch(scan: Scanner): NonNullable<KnownState["match"]> {
  const start = scan.position;
  // RFC 9586 3.7
  if (scan.isUidOnly) throw uidRequired();
  const numbers = parseAscending(scan);
  scan.space();
  const uids = parseAscending(scan);
  scan.expect(")");
  if (sizeOf(numbers) !== sizeOf(uids)) throw scan.fault("Expected as many numbers as UIDs", start);
  return { numbers, uids };
}

/** A set of numbers alone, without `*` and `$`. */
function parseNumbers(scan: Scanner): readonly NumberRange[] {
  const start = scan.position;
  const set = parseSequenceSet(scan);
  if (set === "$") throw scan.fault("Expected numbers", start);
  return set.map(([first, last]) => {
    if (first === "*" || last === "*") throw scan.fault("Expected numbers", start);
    return [Math.min(first, last), Math.max(first, last)];
  });
}

function parseAscending(scan: Scanner): readonly NumberRange[] {
  const start = scan.position;
  const set = parseNumbers(scan);
  if (set.some(([first], i) => first <= (set[i - 1]?.[1] ?? 0))) throw scan.fault("Expected ascending numbers", start);
  return set;
}

function sizeOf(set: readonly NumberRange[]): number {
  return set.reduce((size, [first, last]) => size + last - first + 1, 0);
}

/** The parameters as a client writes them, with the space before them. */
export function printSelectParameters({ condstore, known }: SelectParameters): string {
  const parameters = condstore ? ["CONDSTORE"] : [];
  if (known !== null) {
    const { uidValidity, modSeq, uids, match } = known;
    const wanted = uids === null ? "" : ` ${printSequenceSet(uids)}`;
    const matched = match === null ? "" : ` (${printSequenceSet(match.numbers)} ${printSequenceSet(match.uids)})`;
    parameters.push(`QRESYNC (${uidValidity} ${modSeq}${wanted}${matched})`);
  }
  return parameters.length === 0 ? "" : ` (${parameters.join(" ")})`;
}
