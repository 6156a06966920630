import { expect, it } from "@jest/globals";
import type { FetchSection } from "@pushmail/imap-wire";
import {
  decodeSummary,
  encodeSummary,
  scanMessage,
  type MailStore,
  type MessageDetails,
  type StoredSummary,
} from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import { FETCH_LIMITS } from "./limits.ts";
import { readOctets, type SectionOctets } from "./section-octets.ts";
import { sectionValues, wantSections } from "./section-values.ts";
import { inAscii } from "./surrogate-octets.ts";

const OCTETS = Buffer.from(`Subject: ${"\u00fc".repeat(200)}\r\nX: y\r\n\r\ntext`);
const MESSAGE = { summary: decodeSummary(encodeSummary(scanMessage(OCTETS))) as StoredSummary } as MessageDetails;

async function* body(_: unknown, { start = 0, end = OCTETS.length } = {}): AsyncGenerator<Uint8Array> {
  yield OCTETS.subarray(start, end);
}

/** All but the first octets of the same field. */
function subjectFrom(offset: number): FetchSection {
  const section = { part: [], text: "HEADER.FIELDS", fields: ["Subject"] } as const;
  return { name: "BODY", section, partial: { offset, octets: 1_000 }, peek: true };
}

it.each([
  ["as it is", MESSAGE, { begins: /^Subject: \xc3\xbc/, held: 2 }],
  ["in ASCII", inAscii(MESSAGE), { begins: /^Subject: =\?UTF-8\?B\?/, held: 1 }],
])("holds no more of a message than it may, told %s", async (_, message, { begins, held }) => {
  const store = { body } as Pick<MailStore, "body"> as MailStore;
  const sections = Array.from({ length: 10 }, (_, i) => subjectFrom(i));
  const { item } = wantSections(message, sections, { ...FETCH_LIMITS, heldOctetsMax: 2 * OCTETS.length });
  const values = (await sectionValues(store, { item, octets: [] })) as readonly SectionOctets[];
  const told: string[] = [];
  for (const value of values) told.push((await collectOctets(readOctets(store, message, value))).toString("latin1"));
  expect(told[0]).toMatch(begins);
  expect(told).toEqual(told.map((_, i) => told[0]?.slice(i)));
  expect(values.filter((value) => value instanceof Uint8Array)).toHaveLength(held);
});
