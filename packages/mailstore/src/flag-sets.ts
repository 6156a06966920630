// The distinct flag sets of one mailbox, each interned once: a message's flags are one small number.
// Keywords are unlimited in kind but for a named bound, compare without case, and keep their first spelling.
import { Refusal } from "./refusal.ts";
import type { FlagChange, FlagSet } from "./store.ts";

const SYSTEM_FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"] as const;
const CANONICAL = new Map<string, string>(SYSTEM_FLAGS.map((name) => [name.toLowerCase(), name]));

/** Flags as rights tell them apart (RFC 4314 2.1): `\Seen`, `\Deleted`, and all others. */
export const FLAG_KINDS = ["seen", "deleted", "others"] as const;
export type FlagKind = (typeof FLAG_KINDS)[number];

export function kindOfFlag(flag: string): FlagKind {
  const known = flag.toLowerCase();
  return known === "\\seen" ? "seen" : known === "\\deleted" ? "deleted" : "others";
}

/** Changes whose result is remembered, and how long the names of their flags may be together. */
const TRANSITIONS_MAX = 1_000;
const TRANSITION_CHARS_MAX = 1_000;

/** What a set takes in memory beside its key, each flag in it, and a transition. */
const SET_BYTES = 200;
const FLAG_BYTES = 8;
const TRANSITION_BYTES = 50;

export interface FlagLimits {
  readonly messageFlagsMax: number;
  readonly keywordBytesMax: number;
}

class InternedFlagSet implements FlagSet {
  readonly names: readonly string[];
  readonly seen: boolean;
  readonly deleted: boolean;

  constructor(names: readonly string[]) {
    this.names = Object.freeze([...names]);
    this.seen = names.includes("\\Seen");
    this.deleted = names.includes("\\Deleted");
    Object.freeze(this);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.names.some((own) => own.toLowerCase() === wanted);
  }
}

/** The flags that are keywords, as they are told apart, put into a set. */
export function keywordsOf(flags: readonly string[], into: Set<string> = new Set()): ReadonlySet<string> {
  for (const flag of flags) if (!flag.startsWith("\\")) into.add(flag.toLowerCase());
  return into;
}

/** Throws a Refusal where flags could not be taken by any message. */
export function checkFlags(flags: readonly string[], limits: FlagLimits): void {
  for (const keyword of flags.filter((flag) => !CANONICAL.has(flag.toLowerCase()))) {
    const tooLong = Buffer.byteLength(keyword) > limits.keywordBytesMax;
    // Lists of flags are separated by blanks, here and in IMAP.
    if (keyword === "" || tooLong || keyword.startsWith("\\") || /[\s\p{Cc}]/u.test(keyword)) {
      throw new Refusal("tooManyKeywords", `not a flag that can be stored: ${JSON.stringify(keyword.slice(0, 80))}`);
    }
  }
  if (flags.length > limits.messageFlagsMax) throw new Refusal("tooManyKeywords", "too many flags on one message");
}

/** What flags become by a change, in any order, some of them doubled. */
export function flagsAfter(before: readonly string[], { mode, flags, keeps = [] }: FlagChange): readonly string[] {
  switch (mode) {
    case "replace":
      return [...flags, ...before.filter((flag) => keeps.includes(kindOfFlag(flag)))];
    case "add":
      return [...before, ...flags];
    case "remove": {
      const gone = new Set(flags.map((flag) => flag.toLowerCase()));
      return before.filter((flag) => !gone.has(flag.toLowerCase()));
    }
  }
}

/** Shared by all mailboxes that have none yet: a map of its own would take 0.2 KiB of each. */
const NONE: Map<string, number> = new Map();

/** Interns flag sets; a number once given out keeps its meaning while the table lives. */
export class FlagSets {
  readonly #sets: FlagSet[] = [];
  #numbers = NONE;
  /** Keywords as they were first spelled, and the place of each by its lower case. */
  readonly #spellings: string[] = [];
  #places = NONE;
  #transitions = NONE;
  #setBytes = 0;
  #transitionBytes = 0;

  /** `keywords` are known from the start, so that they keep their order and spelling. */
  constructor(keywords: readonly string[] = []) {
    for (const keyword of keywords) this.#placeOf(keyword);
  }

  /** How many sets there are. */
  get size(): number {
    return this.#sets.length;
  }

  /** What sets and transitions take in memory. */
  get bytes(): number {
    return this.#setBytes + this.#transitionBytes;
  }

  /** The number of the set with these flags; names may come in any order and case, doubled or not. */
  intern(flags: readonly string[]): number {
    // Stored flags have the form that keys have.
    const asGiven = this.#numbers.get(flags.join(" "));
    if (asGiven !== undefined) return asGiven;
    const names = this.#canonical(flags);
    const key = names.join(" ");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.push(new InternedFlagSet(names)) - 1;
    (this.#numbers = owned(this.#numbers)).set(key, number);
    this.#setBytes += SET_BYTES + FLAG_BYTES * names.length + key.length;
    return number;
  }

  at(number: number): FlagSet {
    const set = this.#sets[number];
    if (set === undefined) throw new RangeError(`no flag set ${number}`);
    return set;
  }

  /** The set that `number` becomes by a change. */
  changed(number: number, change: FlagChange): number {
    const key = `${number} ${change.mode}${change.keeps?.join("-") ?? ""} ${change.flags.join(" ")}`;
    let result = this.#transitions.get(key);
    if (result === undefined) {
      result = this.intern(flagsAfter(this.at(number).names, change));
      // Bounded by forgetting: a transition is quick to work out again.
      if (this.#transitions.size >= TRANSITIONS_MAX) [this.#transitions, this.#transitionBytes] = [NONE, 0];
      if (key.length <= TRANSITION_CHARS_MAX) {
        (this.#transitions = owned(this.#transitions)).set(key, result);
        this.#transitionBytes += TRANSITION_BYTES + key.length;
      }
    }
    return result;
  }

  knows(keyword: string): boolean {
    return this.#places.has(keyword.toLowerCase());
  }

  get keywordCount(): number {
    return this.#spellings.length;
  }

  /** In the order in which they came; it grows with them. */
  keywords(): readonly string[] {
    return this.#spellings;
  }

  #canonical(flags: readonly string[]): string[] {
    const system = new Set<string>();
    const keywords = new Set<number>();
    for (const flag of flags) {
      const name = CANONICAL.get(flag.toLowerCase());
      if (name !== undefined) system.add(name);
      else keywords.add(this.#placeOf(flag));
    }
    const ordered = [...keywords].toSorted((a, b) => a - b).map((place) => this.#spellings[place] as string);
    return [...SYSTEM_FLAGS.filter((name) => system.has(name)), ...ordered];
  }

  #placeOf(keyword: string): number {
    const key = keyword.toLowerCase();
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#spellings.push(keyword) - 1;
    (this.#places = owned(this.#places)).set(key, place);
    return place;
  }
}

/** The map to write to. */
function owned(map: Map<string, number>): Map<string, number> {
  return map === NONE ? new Map() : map;
}
