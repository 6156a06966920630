// What a FETCH asks for, and what must be loaded to answer it: the index alone, metadata, or the summary too.
import {
  dependsOnRevision,
  printBody,
  printBodyStructure,
  printDateTime,
  printFetchItem,
  type FetchArguments,
  type FetchAttribute,
  type FetchItem,
  type FetchSection,
  type Revision,
} from "@pushmail/imap-wire";
import type { Cursor, FlagSet, MessageDetails } from "@pushmail/mailstore";
import type { Selected } from "../command.ts";
import { emailIdOf } from "../object-ids.ts";
import { MESSAGE_SOURCES, type MessageSource } from "./load-messages.ts";
import { printFlagSet } from "./print-flag-set.ts";

/** A message whose data are told. */
export interface FetchedMessage {
  /** Where it is. */
  readonly state: Selected;
  readonly number: number;
  readonly uid: number;
  readonly flags: FlagSet;
  readonly isRecent: boolean;
  readonly modSeq: Cursor;
  /** As far as the plan's source gives it. */
  readonly stored: MessageDetails;
}

export interface FetchPlan {
  /** Each once, in the order in which they are told. */
  readonly items: readonly FetchItem[];
  /** The sections among them. */
  readonly sections: readonly FetchSection[];
  readonly source: MessageSource;
  /** Whether octets of the messages are asked for in a way that sets `\Seen`. */
  readonly marksSeen: boolean;
  /** Only messages with a higher MODSEQ; null for all. */
  readonly changedSince: number | null;
}

interface Attribute {
  readonly source: MessageSource;
  print(message: FetchedMessage, revision: Revision): string;
}

const ATTRIBUTES: Record<FetchAttribute, Attribute> = {
  UID: { source: "index", print: ({ uid }) => `UID ${uid}` },
  FLAGS: { source: "index", print: ({ flags, isRecent }) => `FLAGS ${printFlagSet(flags, { isRecent })}` },
  MODSEQ: { source: "index", print: ({ modSeq }) => `MODSEQ (${modSeq})` },
  EMAILID: { source: "metadata", print: ({ state, stored }) => `EMAILID (${emailIdOf(state, stored.emailId)})` },
  INTERNALDATE: { source: "metadata", print: ({ stored }) => `INTERNALDATE ${printDateTime(stored.internalDateMs)}` },
  // RFC 8474 5.3: no threads are kept.
  THREADID: { source: "index", print: () => "THREADID NIL" },
  SAVEDATE: { source: "metadata", print: ({ stored }) => `SAVEDATE ${printDateTime(stored.saveDateMs)}` },
  "RFC822.SIZE": { source: "metadata", print: ({ stored }) => `RFC822.SIZE ${stored.sizeBytes}` },
  ENVELOPE: { source: "details", print: ({ stored }) => `ENVELOPE ${stored.summary.printedEnvelope}` },
  BODY: {
    source: "details",
    print: ({ stored }, revision) => `BODY ${printBody(stored.summary.structure, revision)}`,
  },
  BODYSTRUCTURE: {
    source: "details",
    print: ({ stored }, revision) => `BODYSTRUCTURE ${structureOf(stored, revision)}`,
  },
};

/** Plans a FETCH; of the items that it asks for twice, one is told. */
export function planFetch(
  { items, changedSince }: Pick<FetchArguments, "items" | "changedSince">,
  { addsUid, marksSeen }: { readonly addsUid: boolean; readonly marksSeen: boolean },
): FetchPlan {
  const all: FetchItem[] = [...items];
  if (addsUid) all.unshift("UID");
  // RFC 7162 3.1.4.1: CHANGEDSINCE implies MODSEQ.
  if (changedSince !== null) all.push("MODSEQ");
  const told = withoutDoubles(all);
  const sections = told.filter((item) => typeof item !== "string");
  return {
    items: told,
    sections,
    source: MESSAGE_SOURCES[Math.max(...all.map(costOf))] as MessageSource,
    marksSeen: marksSeen && sections.some(({ peek }) => !peek),
    changedSince,
  };
}

/** The items of a plan behind others, each once. */
export function withAttributes(plan: FetchPlan, added: readonly FetchAttribute[]): readonly FetchItem[] {
  return withoutDoubles([...added, ...plan.items]);
}

/** An item with its value, as it stands in the answer. */
export function printAttribute(name: FetchAttribute, message: FetchedMessage, revision: Revision): string {
  return ATTRIBUTES[name].print(message, revision);
}

function structureOf({ summary }: MessageDetails, revision: Revision): string {
  const { printedStructure } = summary;
  if (revision === 2 || !dependsOnRevision(printedStructure)) return printedStructure;
  return printBodyStructure(summary.structure, revision);
}

function costOf(item: FetchItem): number {
  return MESSAGE_SOURCES.indexOf(typeof item === "string" ? ATTRIBUTES[item].source : "details");
}

function withoutDoubles(items: readonly FetchItem[]): readonly FetchItem[] {
  return [...new Map(items.map((item) => [printFetchItem(item), item])).values()];
}
