// A client that keeps the results of its searches from what it is told of them alone. What no correct server says is an
// error at once.
import { expect } from "@jest/globals";
import type { RawImap } from "./raw-imap.ts";

interface Followed {
  readonly command: string;
  readonly key: string;
  readonly isByUid: boolean;
  readonly results: number[];
}

export class LiveClient {
  /** How many ESEARCH responses told of changes. */
  updates = 0;
  readonly #session: RawImap;
  readonly #followed = new Map<string, Followed>();
  #count = 0;
  #tags = 0;

  constructor(session: RawImap) {
    this.#session = session;
  }

  async command(text: string): Promise<readonly string[]> {
    const { untagged } = await this.#session.command(text);
    this.#obey(untagged);
    return untagged;
  }

  async idle(meanwhile: () => Promise<void>): Promise<void> {
    this.#obey(await this.#session.idle());
    await meanwhile();
    this.#obey(await this.#session.done());
  }

  /** Begins to keep what a search finds. */
  async follow(command: string, key: string): Promise<void> {
    const tag = `live${++this.#tags}`;
    this.#followed.set(tag, { command, key, isByUid: command.startsWith("UID "), results: [] });
    this.#session.write(`${tag} ${command} RETURN (UPDATE ALL) ${key}\r\n`);
    const told = await this.#session.until((response) => response.startsWith(`${tag} `), `the end of ${tag}`);
    if (!told.at(-1)?.startsWith(`${tag} OK`)) throw new Error(`${command} ${key}: ${told.at(-1)}`);
    const found = told.findIndex((response) => response.startsWith(`* ESEARCH (TAG "${tag}")`));
    const [, all] = /\bALL (\S+)/.exec(told[found] ?? "") ?? [];
    this.#followed.get(tag)?.results.push(...numbersIn(all ?? ""));
    this.#obey(told.toSpliced(found, 1));
  }

  /** What is kept must be what is found now. */
  async compare(when: string): Promise<void> {
    await this.command("NOOP");
    for (const { command, key, results } of this.#followed.values()) {
      // What is told with the answer is newer than the answer.
      const kept = [...results];
      const told = await this.command(`${command} RETURN (ALL) ${key}`);
      const [, all] = told.map((response) => /^\* ESEARCH .*\bALL (\S+)/.exec(response)).find(Boolean) ?? [];
      expect({ when, command, key, results: kept }).toEqual({ when, command, key, results: numbersIn(all ?? "") });
    }
  }

  #obey(responses: readonly string[]): void {
    for (const response of responses) {
      const [, number, what] = /^\* (\d+) (EXISTS|EXPUNGE)$/.exec(response) ?? [];
      if (what === "EXISTS") this.#count = Number(number);
      if (what === "EXPUNGE") this.#expunge(Number(number));
      const [, tag, data] = /^\* ESEARCH \(TAG "(live\d+)"\)(.*)$/.exec(response) ?? [];
      if (tag !== undefined) this.#update(tag, data ?? "");
      if (response.includes("[NOUPDATE")) throw new Error(response);
    }
  }

  /** RFC 5267 4.3.4: it must be no result any more. */
  #expunge(number: number): void {
    this.#count--;
    for (const [tag, { isByUid, results }] of this.#followed) {
      if (isByUid) continue;
      if (results.includes(number)) throw new Error(`${number} is expunged, and a result of ${tag}`);
      for (const [i, result] of results.entries()) if (result > number) results[i] = result - 1;
    }
  }

  #update(tag: string, data: string): void {
    const followed = this.#followed.get(tag);
    if (followed === undefined || data.startsWith(" UID") !== followed.isByUid) throw new Error(`${tag}${data}`);
    this.updates++;
    for (const [, item, pairs] of data.matchAll(/ (ADDTO|REMOVEFROM) \(([^)]*)\)/g)) {
      for (const [, position, set] of (pairs ?? "").matchAll(/(\d+) (\S+)/g)) {
        const numbers = numbersIn(set ?? "");
        if (item === "ADDTO") this.#add(followed, Number(position), numbers);
        else remove(followed, Number(position), numbers);
      }
    }
  }

  #add({ command, isByUid, results }: Followed, position: number, numbers: readonly number[]): void {
    const isAmiss = numbers.some((number) => results.includes(number) || (!isByUid && number > this.#count));
    const isOfSort = command.endsWith("SORT");
    if (isAmiss || isOfSort !== position > 0)
      throw new Error(`ADDTO (${position} ${numbers.join()}) to ${results.join()}`);
    results.splice(isOfSort ? position - 1 : results.length, 0, ...numbers);
    if (!isOfSort) results.sort((a, b) => a - b);
  }
}

function remove({ results }: Followed, position: number, numbers: readonly number[]): void {
  for (const number of numbers) {
    const at = position === 0 ? results.indexOf(number) : position - 1;
    if (results[at] !== number) throw new Error(`REMOVEFROM (${position} ${numbers.join()}) of ${results.join()}`);
    results.splice(at, 1);
  }
}

/** The numbers of a set, in its order. */
export function numbersIn(set: string): number[] {
  return set.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split(":").map(Number);
    return range === "" ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
