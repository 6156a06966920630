// The numbers of a mailbox that never go back, whatever happens to the server.
import type { RawImap } from "../support/raw-imap.ts";

export class Marks {
  /** UIDNEXT and HIGHESTMODSEQ by UIDVALIDITY: an account never gives one out twice. */
  readonly #seen = new Map<number, readonly [uidNext: number, modSeq: number]>();

  /** The highest UIDVALIDITY when all mailboxes were last known: those made since have higher ones. */
  #highest = 0;

  /** Nobody changes anything: what was taken last is all there is. */
  rest(): void {
    this.#highest = Math.max(...this.#seen.keys());
  }

  /** Takes the numbers of all mailboxes of a session; gives back which are lower than they were. */
  async take(session: RawImap): Promise<string[]> {
    const wrong: string[] = [];
    for (const line of await session.ok('LIST "" *')) {
      const name = / ("[^"]*"|\S+)$/.exec(line)?.[1];
      if (name === undefined || line.includes("\\NonExistent")) continue;
      const { untagged } = await session.command(`STATUS ${name} (UIDVALIDITY UIDNEXT HIGHESTMODSEQ)`);
      const told = untagged.find((response) => response.startsWith("* STATUS"));
      // Renamed or deleted since.
      if (told === undefined) continue;
      const [validity, uidNext, modSeq] = ["UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"].map((item) =>
        Number(new RegExp(`${item} (\\d+)`).exec(told)?.[1]),
      ) as [number, number, number];
      const before = this.#seen.get(validity);
      if (before === undefined && validity <= this.#highest) {
        wrong.push(`${name}: a new UIDVALIDITY ${validity}, not above ${this.#highest}`);
      }
      if (before !== undefined && (uidNext < before[0] || modSeq < before[1]))
        wrong.push(`${told}; it was ${before.join(" ")}`);
      this.#seen.set(validity, [uidNext, modSeq]);
    }
    return wrong;
  }
}
