// The values of a message's sections: read in advance, many messages at once, where they are few octets.
import type { FetchSection } from "@pushmail/imap-wire";
import type { BlobRange, ByteRange, MailStore, MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import type { FetchLimits } from "./limits.ts";
import { locateSection, type LocatedSection } from "./locate-section.ts";
import type { ReadItem, Wanted } from "./read-groups.ts";

/** A section's octets, or where they are that are passed on as they are read; `missing` where there is no such part. */
export type SectionValue = Uint8Array | ByteRange | "missing";

/** A message whose sections are told. */
export interface SectionsMessage {
  readonly message: MessageDetails;
  readonly located: readonly (LocatedSection | undefined)[];
  /** Whether the octets are few enough to be held. */
  readonly isHeld: boolean;
}

const NOTHING = new Uint8Array(0);

/** What must be read for the sections of a message; nothing where that is more than is held. */
export function wantSections(
  message: MessageDetails,
  sections: readonly FetchSection[],
  { headerBytesMax, heldOctetsMax }: FetchLimits,
): Wanted<SectionsMessage> {
  const located = sections.map((section) => locateSection(message.summary, section, headerBytesMax));
  const ranges: BlobRange[] = [];
  let octets = 0;
  for (const section of located) {
    if (section === undefined || isEmpty(section)) continue;
    ranges.push({ blob: message.blob, ...section.range });
    octets += section.range.end - section.range.start;
  }
  const isHeld = octets <= heldOctetsMax;
  return { item: { message, located, isHeld }, ranges: isHeld ? ranges : [] };
}

/** The values of the sections, in their order; a promise where some are to be read for it. */
export function sectionValues(
  store: MailStore,
  { item, octets }: ReadItem<SectionsMessage>,
): readonly SectionValue[] | Promise<readonly SectionValue[]> {
  const { located, isHeld } = item;
  if (!isHeld || octets.includes(undefined)) return readAlone(store, item);
  let next = 0;
  return located.map((section) => {
    if (section === undefined) return "missing";
    return picked(section, isEmpty(section) ? NOTHING : (octets[next++] as Uint8Array));
  });
}

async function readAlone(
  store: MailStore,
  { message, located, isHeld }: SectionsMessage,
): Promise<readonly SectionValue[]> {
  const values: SectionValue[] = [];
  for (const section of located) {
    if (section === undefined) values.push("missing");
    else if (!isHeld && section.pick === undefined) values.push(section.range);
    else values.push(picked(section, await collectOctets(store.body(message.blob, section.range))));
  }
  return values;
}

function picked({ pick }: LocatedSection, octets: Uint8Array): Uint8Array {
  return pick === undefined ? octets : pick(octets);
}

function isEmpty({ range }: LocatedSection): boolean {
  return range.start === range.end;
}
