// All that an account holds, read over IMAP: mailboxes, mails byte by byte, flags, and numbers that must never go back.
import type { RawImap } from "../support/raw-imap.ts";
import { stateOf, type Observed } from "./account-model.ts";
import { idOf, mailText } from "./mail-text.ts";

/** What was seen of an account's numbers, over all restarts. */
export class Numbers {
  readonly #marks = new Map<string, number>();
  readonly #ids = new Map<string, string>();

  /** A number that never goes back. */
  ascend(name: string, value: number): string[] {
    const before = this.#marks.get(name) ?? 0;
    this.#marks.set(name, Math.max(before, value));
    return value < before ? [`${name} went back from ${before} to ${value}`] : [];
  }

  /** A UID names one mail for ever. */
  name(uid: string, id: string): string[] {
    const before = this.#ids.get(uid) ?? id;
    this.#ids.set(uid, before);
    return before === id ? [] : [`UID ${uid} was ${before} and is ${id}`];
  }
}

/** Reads an account; gives what is there, the faults it has in itself, and how many octets were compared. */
export async function observe(
  session: RawImap,
  numbers: Numbers,
): Promise<Observed & { readonly faults: string[]; readonly octets: number }> {
  const faults: string[] = [];
  const found = new Map<string, Map<string, string[]>>();
  const listed = await session.ok('LIST "" *');
  const mailboxes = listed.map((line) => / (\S+)$/.exec(line)?.[1] ?? line).toSorted();
  let octets = 0;
  for (const mailbox of mailboxes) {
    const told = (await session.ok(`EXAMINE ${mailbox}`)).join("\n");
    const number = (name: string): number => Number(new RegExp(`\\[${name} (\\d+)\\]`).exec(told)?.[1] ?? 0);
    const uidValidity = number("UIDVALIDITY");
    faults.push(...numbers.ascend(`UIDNEXT of ${mailbox} ${uidValidity}`, number("UIDNEXT")));
    faults.push(...numbers.ascend(`HIGHESTMODSEQ of ${mailbox} ${uidValidity}`, number("HIGHESTMODSEQ")));
    for (const line of await session.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[])")) {
      const id = idOf(line);
      if (id === undefined) continue;
      const text = mailText(id);
      octets += text.length;
      if (!line.includes(text)) faults.push(`${id} in ${mailbox}: other octets than were sent`);
      faults.push(...numbers.name(`${/UID (\d+)/.exec(line)?.[1]} of ${mailbox} ${uidValidity}`, id));
      const places = found.get(id) ?? new Map<string, string[]>();
      if (places.has(mailbox)) faults.push(`${id} is twice in ${mailbox}`);
      const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1]?.split(" ") ?? [];
      places.set(
        mailbox,
        flags.filter((flag) => flag !== "" && flag !== "\\Recent"),
      );
      found.set(id, places);
    }
  }
  const states = new Map(Array.from(found, ([id, places]) => [id, stateOf(places)]));
  return { states, mailboxes, faults, octets };
}
