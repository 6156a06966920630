// The values of a message's sections: read in advance, many messages at once, where they are few octets.
import type { FetchSection } from "@pushmail/imap-wire";
import { DowngradedSummary, type BlobRange, type MailStore, type MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import type { FetchLimits } from "./limits.ts";
import { cutOctets, locateSection, type Decoding, type LocatedSection, type Undecodable } from "./locate-section.ts";
import { countMade, decodedOctets } from "./made-octets.ts";
import type { ReadItem, Wanted } from "./read-groups.ts";
import type { SectionOctets } from "./section-octets.ts";
import { surrogateOctets } from "./surrogate-octets.ts";

/**
 * A section's octets, or where they are that are passed on as they are read, or how many there are; `missing` where there
 * is no such part.
 */
export type SectionValue = SectionOctets | number | "missing" | Undecodable;

/** A message whose sections are told. */
export interface SectionsMessage {
  readonly message: MessageDetails;
  readonly located: readonly (LocatedSection | Undecodable | undefined)[];
  /** Whether the octets are few enough to be held. */
  readonly isHeld: boolean;
  readonly limits: FetchLimits;
  /** Of a message that the client is told otherwise than it is: what is asked for, located without the partials. */
  readonly surrogate?: readonly FetchSection[];
}

const NOTHING = new Uint8Array(0);

/** What must be read for the sections of a message; nothing where that is more than is held. */
export function wantSections(
  message: MessageDetails,
  sections: readonly FetchSection[],
  limits: FetchLimits,
): Wanted<SectionsMessage> {
  if (message.summary instanceof DowngradedSummary) {
    const located = sections.map((section) => locateSection(message.summary, { ...section, partial: null }, limits));
    return { item: { message, located, isHeld: false, limits, surrogate: sections }, ranges: [] };
  }
  const located = sections.map((section) => locateSection(message.summary, section, limits));
  const ranges: BlobRange[] = [];
  let octets = 0;
  for (const section of located) {
    if (!isLocated(section) || isKnown(section)) continue;
    ranges.push({ blob: message.blob, ...section.range });
    octets += section.range.end - section.range.start;
  }
  const isHeld = octets <= limits.heldOctetsMax;
  return { item: { message, located, isHeld, limits }, ranges: isHeld ? ranges : [] };
}

/** The values of the sections, in their order; a promise where some are to be read for it. */
export function sectionValues(
  store: MailStore,
  { item, octets }: ReadItem<SectionsMessage>,
): readonly SectionValue[] | Promise<readonly SectionValue[]> {
  const { located, isHeld } = item;
  if (item.surrogate !== undefined) return surrogateValues(store, item, item.surrogate);
  if (!isHeld || octets.includes(undefined)) return readAlone(store, item);
  let next = 0;
  return located.map((section) => {
    if (!isLocated(section)) return section ?? "missing";
    return isKnown(section) ? knownValue(section) : picked(section, octets[next++] as Uint8Array);
  });
}

async function readAlone(store: MailStore, item: SectionsMessage): Promise<readonly SectionValue[]> {
  const { message, located, isHeld } = item;
  const values = new HeldValues(item.limits);
  for (const section of located) {
    if (!isLocated(section)) values.add(section ?? "missing");
    else if (isKnown(section)) values.add(knownValue(section));
    else if (!isHeld && section.decoding !== undefined) values.add(await readDecoded(store, message, section));
    else if (!isHeld && section.pick === undefined) values.add(section.range);
    else await values.addPicked(section, () => store.body(message.blob, section.range));
  }
  return values.all;
}

async function readDecoded(
  store: MailStore,
  { blob }: MessageDetails,
  { range, decoding, isSize }: LocatedSection,
): Promise<SectionValue> {
  const { encoding, partial } = decoding as Decoding;
  const decoded = await countMade(() => decodedOctets(store.body(blob, range), encoding), partial);
  return isSize === true ? decoded.told.end - decoded.told.start : decoded;
}

/** The same of the surrogate: a partial is of what is told. */
async function surrogateValues(
  store: MailStore,
  { message, located, limits }: SectionsMessage,
  sections: readonly FetchSection[],
): Promise<readonly SectionValue[]> {
  const values = new HeldValues(limits);
  for (const [i, section] of located.entries()) {
    const partial = sections[i]?.partial ?? null;
    if (!isLocated(section)) values.add(section ?? "missing");
    else if (isKnown(section)) values.add(knownValue(section));
    else if (section.decoding !== undefined)
      values.add(await readDecoded(store, message, { ...section, decoding: { ...section.decoding, partial } }));
    else {
      const { pick } = section;
      const read = (): AsyncIterable<Uint8Array> => surrogateOctets(store, message, section.range, limits);
      if (pick === undefined) values.add(await countMade(read, partial));
      else await values.addPicked({ ...section, pick: (octets) => cutOctets(pick(octets), partial) }, read);
    }
  }
  return values.all;
}

/** The values of one message. Of a message no more is held: what is beyond is made again when it is told. */
class HeldValues {
  readonly all: SectionValue[] = [];
  readonly #octetsMax: number;
  #octets = 0;

  constructor({ heldOctetsMax }: FetchLimits) {
    this.#octetsMax = heldOctetsMax;
  }

  add(value: SectionValue): void {
    this.all.push(value);
  }

  /** Adds what is told of octets that are read for it. */
  async addPicked(section: LocatedSection, read: () => AsyncIterable<Uint8Array>): Promise<void> {
    const octets = await collectOctets(read());
    const value = picked(section, octets);
    // Of a part of them all are kept.
    this.#octets += octets.length;
    if (typeof value === "number" || this.#octets <= this.#octetsMax) this.add(value);
    else this.add({ make: () => pickedOctets(section, read()), told: { start: 0, end: value.length } });
  }
}

async function* pickedOctets({ pick }: LocatedSection, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const octets = await collectOctets(pieces);
  yield pick === undefined ? octets : pick(octets);
}

function picked({ pick, isSize }: LocatedSection, octets: Uint8Array): Uint8Array | number {
  const told = pick === undefined ? octets : pick(octets);
  return isSize === true ? told.length : told;
}

function isLocated(section: LocatedSection | Undecodable | undefined): section is LocatedSection {
  return section !== undefined && section !== "undecodable";
}

/** Whether nothing has to be read for it. */
function isKnown({ range, pick, isSize }: LocatedSection): boolean {
  return range.start === range.end || (isSize === true && pick === undefined);
}

function knownValue({ range, pick, isSize }: LocatedSection): SectionValue {
  if (isSize === true) return range.end - range.start;
  return pick === undefined ? NOTHING : pick(NOTHING);
}
