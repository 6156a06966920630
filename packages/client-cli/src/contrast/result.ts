// What a contrast found: for each way of waiting how late it knew of the mails, and what the waiting cost.

/** One client's figures. */
export interface ClientResult {
  readonly name: string;
  /** Seconds between two questions; null for the client that is told. */
  readonly intervalSeconds: number | null;
  /** How many of the accepted mails it knew of. */
  readonly known: number;
  /** From the SMTP reply to the client knowing of the mail; null before the first. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** IMAP commands, those that fetch the mails included. */
  readonly commands: number;
  readonly requestsPerHour: number;
  /** How often it was woken: by its own timer, or by what the server sent. */
  readonly wakeups: number;
  /** IMAP bytes, without those of TLS and TCP. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The whole result, also as a snapshot while it runs. */
export interface ContrastResult {
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly mails: number;
  readonly accepted: number;
  readonly seconds: number;
  readonly clients: readonly ClientResult[];
}

/** What a client counted. */
export interface ClientCounts {
  readonly commands: number;
  readonly wakeups: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The times that make a client's latencies, in milliseconds of one clock, by mail number. */
export interface ClientTimes {
  readonly acceptedAt: ReadonlyMap<number, number>;
  readonly knownAt: ReadonlyMap<number, number>;
}

/** Sums one client up. */
export function summarize(
  { name, intervalSeconds }: Pick<ClientResult, "name" | "intervalSeconds">,
  counts: ClientCounts,
  { acceptedAt, knownAt }: ClientTimes,
  seconds: number,
): ClientResult {
  const latencies = [...acceptedAt]
    .flatMap(([number, at]) => {
      const known = knownAt.get(number);
      // A client may hear of a mail before the sender has read the reply: it knew at once.
      return known === undefined ? [] : [Math.max(0, known - at)];
    })
    .toSorted((a, b) => a - b);
  return {
    name,
    intervalSeconds,
    known: latencies.length,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: percentile(latencies, 100),
    ...counts,
    requestsPerHour: seconds > 0 ? (counts.commands / seconds) * 3600 : 0,
  };
}

/** The nearest-rank percentile of ascending values. */
export function percentile(ascending: readonly number[], percent: number): number | null {
  const rank = Math.max(1, Math.ceil((percent / 100) * ascending.length));
  return ascending[rank - 1] ?? null;
}
