import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { BatchArguments } from "./batch-arguments.ts";
import { parseBatchArguments, printBatchArguments, printUidBatches } from "./batch-arguments.ts";
import type { AclIdentifier, SetAclArguments } from "./acl.ts";
import { parseAclIdentifier, parseSetAclArguments, printAclIdentifier, printSetAclArguments } from "./acl.ts";
import { parseCreateArguments, printCreateArguments } from "./create-arguments.ts";
import { parseDate, parseDateTime, printDate, printDateTime } from "./date-time.ts";
import type { EsearchArguments } from "./esearch-arguments.ts";
import { parseEsearchArguments, printEsearchArguments } from "./esearch-arguments.ts";
import type { FetchItem } from "./fetch-item.ts";
import { parseFetchArguments, printFetchArguments, printFetchItem, printFetchLabel } from "./fetch-item.ts";
import { parseFlag, parseFlagList, printFlagList } from "./flags.ts";
import { parseIdParameters, printIdParameters } from "./id-parameters.ts";
import { DEFAULT_WIRE_LIMITS } from "./limits.ts";
import type { ListArguments, ListReturn, ListSelection } from "./list-arguments.ts";
import { parseListArguments, printListArguments } from "./list-arguments.ts";
import { Scanner } from "./scanner.ts";
import {
  parseGetMetadataArguments,
  parseSetMetadataArguments,
  printGetMetadataArguments,
  printSetMetadataArguments,
} from "./metadata.ts";
import type { MailboxSpecifier } from "./notify-arguments.ts";
import { NOTIFY_EVENTS, parseNotifyArguments, printNotifyArguments } from "./notify-arguments.ts";
import type { PageRange } from "./page-range.ts";
import { pageOf } from "./page-range.ts";
import type { SearchArguments, SearchKey } from "./search-key.ts";
import { parseSearchArguments, printSearchArguments } from "./search-key.ts";
import type { SearchReturn } from "./search-return.ts";
import type { Section, SectionText } from "./section.ts";
import { parseSection, printSection } from "./section.ts";
import type { KnownState, SelectParameters } from "./select-parameters.ts";
import { parseSelectParameters, printSelectParameters } from "./select-parameters.ts";
import type { NumberRange, SequenceNumber, SequenceRange, SequenceSet } from "./sequence-set.ts";
import { parseSequenceSet, printSequenceSet, resolveSequenceSet } from "./sequence-set.ts";
import type { SortArguments, SortCriterion, SortKey, ThreadArguments } from "./sort-arguments.ts";
import {
  parseSortArguments,
  parseThreadArguments,
  printSortArguments,
  printThreadArguments,
  THREAD_ALGORITHMS,
} from "./sort-arguments.ts";
import { parseStatusItems, printStatusItems } from "./status-item.ts";
import type { StoreArguments } from "./store-arguments.ts";
import { parseStoreArguments, printStoreArguments } from "./store-arguments.ts";
import { SyntaxFault } from "./syntax-fault.ts";
import { faultOf, frameOf, parseAll } from "./test-support/frame-of.ts";

/** Octets but NUL, with more of those that need care than chance would bring. */
const latin1: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'\r\n"\\{}()[]%* \xff]&NIL'.split("")),
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 12,
});

const atom: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(..."abzAZ09!#$&'+,-./:;<=>?@[^_`|}~".split("")),
  minLength: 1,
  maxLength: 8,
});

const anyFlag: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"),
  atom,
);

const sequenceNumber: fc.Arbitrary<SequenceNumber> = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  fc.constant("*" as const),
);

const sequenceRanges: fc.Arbitrary<readonly SequenceRange[]> = fc.array(fc.tuple(sequenceNumber, sequenceNumber), {
  minLength: 1,
  maxLength: 5,
});

const sequenceSet: fc.Arbitrary<SequenceSet> = fc.oneof(
  { arbitrary: sequenceRanges, weight: 4 },
  { arbitrary: fc.constant("$" as const), weight: 1 },
);

const parseSet = (text: string): SequenceSet => parseAll(parseSequenceSet, text);

describe("parseSequenceSet", () => {
  it.each<[string, SequenceSet]>([
    ["1", [[1, 1]]],
    ["*", [["*", "*"]]],
    [
      "2,4:7,9,12:*",
      [
        [2, 2],
        [4, 7],
        [9, 9],
        [12, "*"],
      ],
    ],
    [
      "*:4,7:5",
      [
        ["*", 4],
        [7, 5],
      ],
    ],
    ["1:4294967295", [[1, 4294967295]]],
    // RFC 5182 2
    ["$", "$"],
  ])("reads %s", (text, set) => {
    expect(parseSet(text)).toEqual(set);
  });

  it.each([
    "",
    "0",
    "1:0",
    "a",
    "1,",
    ",1",
    "1:",
    ":1",
    "1:2:3",
    "1 2",
    "4294967296",
    "1:99999999999999999999",
    "$,1",
    "1,$",
    "$1",
  ])("faults %j", (text) => {
    expect(faultOf(() => parseSet(text))).not.toBeNull();
  });

  it("reads what is printed", () => {
    fc.assert(fc.property(sequenceSet, (set) => expect(parseSet(printSequenceSet(set))).toEqual(set)));
  });
});

describe("resolveSequenceSet", () => {
  it.each([
    // RFC 9051 9: the examples of sequence-set.
    ["2,4:7,9,12:*", 15, "2,4:7,9,12:15"],
    ["*:4,5:7", 10, "4:10"],
    ["5:*", 3, "3:5"],
    ["1:*", 0, ""],
    ["*,1:2", 0, "1:2"],
    ["3,1,2,2", 9, "1:3"],
    ["7:5,6:9,1", 3, "1,5:9"],
    ["1:4294967295,4294967294:*", 7, "1:4294967295"],
  ])("resolves %s of %i to %s", (text, max, expected) => {
    expect(printSequenceSet(resolveSequenceSet(parseSet(text) as readonly SequenceRange[], max))).toBe(expected);
  });

  it("holds what the ranges hold, in normal form", () => {
    const small: fc.Arbitrary<SequenceNumber> = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant("*" as const));
    const sets: fc.Arbitrary<readonly SequenceRange[]> = fc.array(fc.tuple(small, small), { maxLength: 10 });
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 30 }), (set, max) => {
        const wanted = new Set<number>();
        for (const ends of set) {
          const [a, b] = ends.map((end) => (end === "*" ? max : end)) as [number, number];
          for (let n = Math.min(a, b); n <= Math.max(a, b); n++) wanted.add(n);
        }
        const resolved = resolveSequenceSet(set, max);
        const held = resolved.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
        expect(held).toEqual([...wanted].sort((a, b) => a - b));
        resolved.slice(1).forEach(([first], i) => expect(first).toBeGreaterThan((resolved[i]?.[1] ?? 0) + 1));
      }),
    );
  });
});
describe("date-time", () => {
  it.each([
    ['"17-Jul-1996 02:44:25 -0700"', "1996-07-17T09:44:25Z", -420],
    ['" 1-jan-1970 00:00:00 +0000"', "1970-01-01T00:00:00Z", 0],
    ['"1-Feb-2024 00:00:00 -0000"', "2024-02-01T00:00:00Z", 0],
    ['"29-Feb-2024 23:59:60 +1345"', "2024-02-29T10:15:00Z", 825],
    ['"31-Dec-0099 00:00:00 +0000"', "0099-12-31T00:00:00Z", 0],
    ['"01-Jan-0000 00:00:00 +0000"', "0000-01-01T00:00:00Z", 0],
    ['"31-Dec-9999 23:59:59 +0000"', "9999-12-31T23:59:59Z", 0],
    ["{26}\r\n01-Jan-2024 00:00:00 +0000", "2024-01-01T00:00:00Z", 0],
  ])("reads %s", (octets, iso, zoneMinutes) => {
    expect(parseAll(parseDateTime, octets)).toEqual({ ms: Date.parse(iso), zoneMinutes });
  });

  it.each([
    '"30-Feb-2024 00:00:00 +0000"',
    '"29-Feb-2023 00:00:00 +0000"',
    '"00-Jan-2024 00:00:00 +0000"',
    '"01-Foo-2024 00:00:00 +0000"',
    '"01-Jan-2024 24:00:00 +0000"',
    '"01-Jan-2024 00:60:00 +0000"',
    '"01-Jan-2024 00:00:61 +0000"',
    '"01-Jan-2024 00:00:00 +2400"',
    '"01-Jan-2024 00:00:00 +0060"',
    '"01-Jan-2024 00:00:00"',
    '"01-Jan-20244 00:00:00 +0000"',
    '"31-Dec-9999 23:59:59 -0001"',
    '"01-Jan-0000 00:00:00 +0001"',
    "01-Jan-2024",
    "NIL",
  ])("faults %s", (octets) => {
    expect(faultOf(() => parseAll(parseDateTime, octets))?.column).toBe(1);
  });

  it("prints days with two characters (RFC 9051 9 date-day-fixed)", () => {
    expect(printDateTime(Date.parse("2024-02-01T10:00:59.999Z"))).toBe('" 1-Feb-2024 10:00:59 +0000"');
    expect(printDateTime(Date.parse("1996-07-17T09:44:25Z"), -420)).toBe('"17-Jul-1996 02:44:25 -0700"');
    expect(printDateTime(-1, 90)).toBe('" 1-Jan-1970 01:29:59 +0130"');
  });

  it("reads what is printed", () => {
    const seconds = fc.integer({ min: Date.UTC(1800, 0) / 1000, max: Date.UTC(9999, 0) / 1000 });
    const zones = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    fc.assert(
      fc.property(seconds, zones, (second, zoneMinutes) => {
        const printed = printDateTime(second * 1000, zoneMinutes);
        expect(parseAll(parseDateTime, printed)).toEqual({ ms: second * 1000, zoneMinutes });
        const dayMs = Math.floor(second / 86_400) * 86_400_000;
        expect(parseAll(parseDate, printDate(dayMs))).toBe(dayMs);
        expect(parseAll(parseDate, `"${printDate(dayMs)}"`)).toBe(dayMs);
      }),
    );
  });

  it.each(["1-Jan-24", "31-Apr-2024", "0-Jan-2024", "2024-01-01", '""'])("faults the date %s", (octets) => {
    expect(faultOf(() => parseAll(parseDate, octets))).not.toBeNull();
  });
});

describe("flags", () => {
  it("are system flags in one case, and keywords as they came", () => {
    expect(parseAll(parseFlagList, "(\\SEEN \\answered $Forwarded NonJunk)")).toEqual([
      "\\Seen",
      "\\Answered",
      "$Forwarded",
      "NonJunk",
    ]);
    expect(parseAll(parseFlagList, "()")).toEqual([]);
  });

  it.each(["\\Recent", "\\*", "\\Foo", "\\", "a]", "", '"a"', "a*"])("are not %j", (octets) => {
    expect(faultOf(() => parseAll(parseFlag, octets))).not.toBeNull();
    expect(faultOf(() => parseAll(parseFlagList, `(${octets} b)`))).not.toBeNull();
  });

  it("read as printed", () => {
    fc.assert(
      fc.property(fc.array(anyFlag, { maxLength: 10 }), (flags) => {
        expect(parseAll(parseFlagList, printFlagList(flags))).toEqual(flags);
      }),
    );
  });
});

describe("STORE", () => {
  it.each<[string, Partial<StoreArguments>]>([
    ["flags \\seen \\Deleted", { flags: ["\\Seen", "\\Deleted"] }],
    ["+FLAGS.SILENT (\\Deleted)", { mode: "add", silent: true, flags: ["\\Deleted"] }],
    ["-flags foo", { mode: "remove", flags: ["foo"] }],
    ["FLAGS.SILENT ()", { silent: true, flags: [] }],
    // RFC 7162 3.1.3
    ["(UNCHANGEDSINCE 320162338) +FLAGS.SILENT ($Processed)", { unchangedSince: 320162338, mode: "add", silent: true }],
    ["(unchangedsince 0) FLAGS (a)", { unchangedSince: 0 }],
  ])("reads %s", (octets, expected) => {
    const flags = expected.flags ?? expect.anything();
    const read = parseAll(parseStoreArguments, octets);
    expect(read).toEqual({ unchangedSince: null, mode: "replace", silent: false, ...expected, flags });
  });

  it.each([
    "FLAGS",
    "FLAGS ",
    "FLAGS (\\Recent)",
    "*FLAGS (a)",
    "FLAGS.LOUD (a)",
    "FLAGS (a) b",
    "(UNCHANGEDSINCE x) FLAGS (a)",
    "(UNCHANGEDSINCE 9223372036854775808) FLAGS (a)",
    "(UNCHANGEDSINCE 1)FLAGS (a)",
  ])("faults %s", (octets) => {
    expect(faultOf(() => parseAll(parseStoreArguments, octets))).not.toBeNull();
  });

  it("reads what is printed", () => {
    const stores = fc.record<StoreArguments>({
      unchangedSince: fc.option(fc.maxSafeNat()),
      mode: fc.constantFrom("replace", "add", "remove"),
      silent: fc.boolean(),
      flags: fc.array(anyFlag, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(stores, (store) => expect(parseAll(parseStoreArguments, printStoreArguments(store))).toEqual(store)),
    );
  });
});

const KNOWN = { uidValidity: 67890007, modSeq: 200507151940, uids: null, match: null };

describe("SELECT", () => {
  it.each<[string, Partial<SelectParameters>]>([
    ["", {}],
    [" (condstore)", { condstore: true }],
    [" (QRESYNC (67890007 200507151940))", { known: KNOWN }],
    [" (CONDSTORE qresync (67890007 200507151940))", { condstore: true, known: KNOWN }],
    // RFC 7162 3.2.5
    [
      " (QRESYNC (67890007 200507151940 541:214,43:211,41))",
      {
        known: {
          ...KNOWN,
          uids: [
            [214, 541],
            [43, 211],
            [41, 41],
          ],
        },
      },
    ],
    [
      " (QRESYNC (67890007 200507151940 1:97 (5,7:8 15,21,24)))",
      {
        known: {
          ...KNOWN,
          uids: [[1, 97]],
          match: {
            numbers: [
              [5, 5],
              [7, 8],
            ],
            uids: [
              [15, 15],
              [21, 21],
              [24, 24],
            ],
          },
        },
      },
    ],
    [" (QRESYNC (67890007 200507151940 (1 2)))", { known: { ...KNOWN, match: { numbers: [[1, 1]], uids: [[2, 2]] } } }],
  ])("reads%s", (octets, expected) => {
    expect(parseAll(parseSelectParameters, octets)).toEqual({ condstore: false, known: null, ...expected });
  });

  it.each([
    " ()",
    "(CONDSTORE)",
    " (CONDSTORE CONDSTORE)",
    " (QRESYNC (1 2) QRESYNC (1 2))",
    " (QRESYNC)",
    " (QRESYNC ())",
    " (QRESYNC (1))",
    " (QRESYNC (0 1))",
    " (QRESYNC (1 0))",
    " (QRESYNC (1 2 1:*))",
    " (QRESYNC (1 2 1 ()))",
    " (QRESYNC (1 2 1 (1)))",
    " (QRESYNC (1 2 1 (1:2 3)))",
    " (QRESYNC (1 2 1 (2,1 3,4)))",
    " (QRESYNC (1 2 1 (1,2 4,3)))",
    " (QRESYNC (1 2 1 (1 *)))",
    " (QRESYNC (1 2 1 (1 1) 1))",
    " (CONDSTORED)",
  ])("faults%s", (octets) => {
    expect(faultOf(() => parseAll(parseSelectParameters, octets))).not.toBeNull();
  });

  it("reads what is printed", () => {
    const size = fc.integer({ min: 1, max: 5 });
    const numbers = fc.tuple(size, fc.integer({ min: 1, max: 9 })).map(([count, first]): NumberRange[] => {
      return Array.from({ length: count }, (_, i) => [first + 3 * i, first + 3 * i + 1]);
    });
    const known = fc.record<KnownState>({
      uidValidity: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      modSeq: fc.maxSafeNat().map((modSeq) => Math.max(1, modSeq)),
      uids: fc.option(numbers),
      match: fc.option(numbers.map((set) => ({ numbers: set, uids: set }))),
    });
    const parameters = fc.record<SelectParameters>({ condstore: fc.boolean(), known: fc.option(known) });
    fc.assert(
      fc.property(parameters, (select) => {
        expect(parseAll(parseSelectParameters, printSelectParameters(select))).toEqual(select);
      }),
    );
  });
});

describe("STATUS", () => {
  it("reads items in any case, and faults others", () => {
    expect(parseAll(parseStatusItems, "(uidnext MESSAGES UIDNEXT)")).toEqual(["UIDNEXT", "MESSAGES"]);
    for (const octets of ["()", "MESSAGES", "(FOO)", "(UIDNEXTS)", "(UIDNEXT  UNSEEN)"]) {
      expect(faultOf(() => parseAll(parseStatusItems, octets))).not.toBeNull();
    }
    const all = "(DELETED HIGHESTMODSEQ MAILBOXID MESSAGES RECENT SIZE UIDNEXT UIDVALIDITY UNSEEN)";
    expect(printStatusItems(parseAll(parseStatusItems, all))).toBe(all);
  });
});

describe("ID", () => {
  it("reads what is printed", () => {
    expect(parseAll(parseIdParameters, "nil")).toBeNull();
    expect(parseAll(parseIdParameters, '("name" "x" "version" NIL)')).toEqual([
      ["name", "x"],
      ["version", null],
    ]);
    const parameters = fc.option(fc.array(fc.tuple(latin1, fc.option(latin1)), { maxLength: 5 }));
    fc.assert(
      fc.property(parameters, (pairs) => expect(parseAll(parseIdParameters, printIdParameters(pairs))).toEqual(pairs)),
    );
  });
});

const SECTIONS: [string, Section][] = [
  ["[]", { part: [], text: null, fields: [] }],
  ["[header]", { part: [], text: "HEADER", fields: [] }],
  ["[TEXT]", { part: [], text: "TEXT", fields: [] }],
  ["[1]", { part: [1], text: null, fields: [] }],
  ["[4.2.2.1]", { part: [4, 2, 2, 1], text: null, fields: [] }],
  ["[4.1.MIME]", { part: [4, 1], text: "MIME", fields: [] }],
  ["[3.HEADER]", { part: [3], text: "HEADER", fields: [] }],
  ["[HEADER.FIELDS (Date From)]", { part: [], text: "HEADER.FIELDS", fields: ["Date", "From"] }],
  ['[2.header.fields.not ("X Y" {1}\r\nZ)]', { part: [2], text: "HEADER.FIELDS.NOT", fields: ["X Y", "Z"] }],
];

const sectionText = fc.constantFrom<SectionText | null>(
  "HEADER",
  "HEADER.FIELDS",
  "HEADER.FIELDS.NOT",
  "TEXT",
  "MIME",
  null,
);
const section: fc.Arbitrary<Section> = fc
  .record({
    part: fc.array(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { maxLength: 4 }),
    text: sectionText,
    fields: fc.array(latin1, { minLength: 1, maxLength: 3 }),
  })
  .filter(({ part, text }) => text !== "MIME" || part.length > 0)
  .map(({ part, text, fields }) => ({ part, text, fields: text?.startsWith("HEADER.") === true ? fields : [] }));

describe("section", () => {
  it.each(SECTIONS)("reads %s", (octets, expected) => {
    expect(parseAll(parseSection, octets)).toEqual(expected);
  });

  it.each([
    "[MIME]",
    "[0]",
    "[1.]",
    "[.1]",
    "[1..2]",
    "[FOO]",
    "[HEADER.1]",
    "[HEADER.FIELDS]",
    "[HEADER.FIELDS ()]",
    "[TEXT (a)]",
    "[1",
    "[4294967296]",
    "1",
  ])("faults %s", (octets) => {
    expect(faultOf(() => parseAll(parseSection, octets))).not.toBeNull();
  });

  it("reads what is printed", () => {
    fc.assert(fc.property(section, (any) => expect(parseAll(parseSection, printSection(any))).toEqual(any)));
  });
});

const fetchItem: fc.Arbitrary<FetchItem> = fc.oneof(
  fc.constantFrom<FetchItem>("BODY", "BODYSTRUCTURE", "EMAILID", "ENVELOPE", "FLAGS", "INTERNALDATE", "MODSEQ"),
  fc.constantFrom<FetchItem>("RFC822.SIZE", "SAVEDATE", "THREADID", "UID"),
  fc.record({
    name: fc.constant("BODY" as const),
    section,
    partial: fc.option(fc.record({ offset: fc.maxSafeNat(), octets: fc.integer({ min: 1 }) })),
    peek: fc.boolean(),
  }),
  fc.record({
    name: fc.constant("BINARY" as const),
    section: section.map(({ part }) => ({ part, text: null, fields: [] })),
    partial: fc.option(fc.record({ offset: fc.maxSafeNat(), octets: fc.integer({ min: 1 }) })),
    peek: fc.boolean(),
  }),
  fc.record({
    name: fc.constant("BINARY.SIZE" as const),
    section: section.map(({ part }) => ({ part, text: null, fields: [] })),
    partial: fc.constant(null),
    peek: fc.constant(true),
  }),
);

describe("FETCH", () => {
  const items = (octets: string): readonly string[] => parseAll(parseFetchArguments, octets).items.map(printFetchItem);

  it.each([
    // What clients send after a push.
    ["(FLAGS)", "FLAGS"],
    [
      "(UID BODY.PEEK[HEADER.FIELDS (Content-Type Content-Transfer-Encoding)] BODY.PEEK[TEXT]<0.2048>)",
      "UID BODY.PEEK[HEADER.FIELDS (Content-Type Content-Transfer-Encoding)] BODY.PEEK[TEXT]<0.2048>",
    ],
    ["fast", "FLAGS INTERNALDATE RFC822.SIZE"],
    ["ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"],
    ["Full", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"],
    ["body[1.2.header]<5.9>", "BODY[1.2.HEADER]<5.9>"],
    ["(preview (lazy) PREVIEW flags)", "PREVIEW (LAZY) PREVIEW FLAGS"],
    ["(binary[1.2]<5.9> binary.peek[] binary.size[1])", "BINARY[1.2]<5.9> BINARY.PEEK[] BINARY.SIZE[1]"],
    ["BODY", "BODY"],
    ["(emailid savedate modseq)", "EMAILID SAVEDATE MODSEQ"],
    ["(RFC822 rfc822.header RFC822.TEXT)", "RFC822 RFC822.HEADER RFC822.TEXT"],
  ])("reads %s", (octets, expected) => {
    expect(items(octets).join(" ")).toBe(expected);
    expect(items(`(${expected})`).join(" ")).toBe(expected);
  });

  it("reads the old names as sections, under their own label", () => {
    const old = parseAll(parseFetchArguments, "(RFC822 RFC822.HEADER RFC822.TEXT)").items;
    const now = parseAll(parseFetchArguments, "(BODY[] BODY.PEEK[HEADER] BODY[TEXT])").items;
    expect(old.map((item) => ({ ...(item as object), name: "BODY" }))).toEqual(now);
    const labels = [...old, ...now].map((item) => (typeof item === "string" ? "" : printFetchLabel(item)));
    expect(labels).toEqual(["RFC822", "RFC822.HEADER", "RFC822.TEXT", "BODY[]", "BODY[HEADER]", "BODY[TEXT]"]);
    const [partial] = parseAll(parseFetchArguments, "BODY.PEEK[1.HEADER.FIELDS (a)]<7.8>").items;
    expect(partial !== undefined && typeof partial !== "string" && printFetchLabel(partial)).toBe(
      "BODY[1.HEADER.FIELDS (a)]<7>",
    );
  });

  it("reads CHANGEDSINCE (RFC 7162 3.1.4)", () => {
    expect(parseAll(parseFetchArguments, "(FLAGS) (CHANGEDSINCE 12345)")).toEqual({
      items: ["FLAGS"],
      changedSince: 12345,
      vanished: false,
      partial: null,
    });
    expect(parseAll(parseFetchArguments, "FAST (changedsince 1)").changedSince).toBe(1);
  });

  it("reads VANISHED (RFC 7162 3.2.6)", () => {
    const expected = { items: ["FLAGS"], changedSince: 1, vanished: true, partial: null };
    expect(parseAll(parseFetchArguments, "(FLAGS) (CHANGEDSINCE 1 VANISHED)")).toEqual(expected);
    expect(parseAll(parseFetchArguments, "FLAGS (vanished changedsince 1)")).toEqual(expected);
  });

  it("reads PARTIAL (RFC 9394 3.3)", () => {
    const expected = { items: ["FLAGS"], changedSince: 1, vanished: false, partial: { first: -1, last: -30 } };
    expect(parseAll(parseFetchArguments, "(FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 1)")).toEqual(expected);
    expect(parseAll(parseFetchArguments, "FLAGS (changedsince 1 partial -1:-30)")).toEqual(expected);
  });

  it.each([
    "()",
    "(FLAGS",
    "(FLAGS )",
    "(ALL)",
    "FLAGS UID",
    "FOO",
    "BODY.PEEK",
    "BODY[]<0>",
    "BODY[]<0.0>",
    "BINARY",
    "BINARY[TEXT]",
    "BINARY.PEEK[1.MIME]",
    "BINARY.SIZE[1]<0.5>",
    "PREVIEW[1]",
    "(PREVIEW (EAGER))",
    "(PREVIEW ())",
    "BODY[]<-1.5>",
    "BODYSTRUCTURE[]",
    "RFC822[1]",
    "(FLAGS) (CHANGEDSINCE)",
    "(FLAGS) (VANISHED)",
    "(FLAGS) (CHANGEDSINCE 1 CHANGEDSINCE 1)",
    "(FLAGS) (CHANGEDSINCE 1 VANISHED VANISHED)",
    "(FLAGS) (PARTIAL)",
    "(FLAGS) (PARTIAL 1)",
    "(FLAGS) (PARTIAL 1:2 PARTIAL 1:2)",
    "(FLAGS) (PARTIAL 1:2 VANISHED)",
    "(FLAGS) ()",
    `(${"BODY[] ".repeat(DEFAULT_WIRE_LIMITS.fetchItemsMax)}UID)`,
  ])("faults %s", (octets) => {
    expect(faultOf(() => parseAll(parseFetchArguments, octets))).not.toBeNull();
  });

  it("reads what is printed", () => {
    const fetches = fc.record({
      items: fc.array(fetchItem, { minLength: 1, maxLength: 6 }),
      changedSince: fc.option(fc.maxSafeNat()),
      vanished: fc.boolean(),
      partial: fc.option(pageRange),
    });
    fc.assert(
      fc.property(fetches, (made) => {
        const fetch = { ...made, vanished: made.vanished && made.changedSince !== null };
        expect(parseAll(parseFetchArguments, printFetchArguments(fetch))).toEqual(fetch);
      }),
    );
  });
});

describe("metadata", () => {
  const component = fc.stringMatching(/^[a-z !"\\]{1,5}$/);
  const entry = fc.tuple(fc.constantFrom("/private", "/SHARED"), component, fc.array(component, { maxLength: 2 }));
  const entries = fc.array(
    entry.map(([scope, first, rest]) => [scope, first, ...rest].join("/")),
    { minLength: 1, maxLength: 3 },
  );
  const mailbox = fc.constantFrom("", "INBOX", "a b", "\u00e9", "(x");
  const value = fc.option(fc.oneof(latin1, fc.constant("a\0b")));

  it("reads what is printed", () => {
    const depth = fc.constantFrom("0" as const, "1" as const, "INFINITY" as const);
    const maxSize = fc.option(fc.nat());
    fc.assert(
      fc.property(fc.record({ mailbox, entries, depth, maxSize }), (get) => {
        expect(parseAll(parseGetMetadataArguments, printGetMetadataArguments(get))).toEqual(get);
      }),
    );
    fc.assert(
      fc.property(mailbox, entries, value, (name, names, octets) => {
        const values = names.map((one) => [one, octets] as const);
        const read = parseAll(parseSetMetadataArguments, printSetMetadataArguments(name, values));
        expect(read).toEqual({ mailbox: name, values });
      }),
    );
  });

  it("reads options behind the mailbox, and entries without parentheses", () => {
    const entry = ["/private/a", "/shared/b"];
    const read = (text: string): unknown => parseAll(parseGetMetadataArguments, text);
    const plain = { mailbox: "INBOX", entries: entry, depth: "0", maxSize: null };
    expect(read("inbox /private/a /shared/b")).toEqual(plain);
    expect(read('INBOX ("/private/a" {9}\r\n/shared/b)')).toEqual(plain);
    expect(read("INBOX (maxsize 5 depth Infinity) (/private/a /shared/b)")).toEqual({
      ...plain,
      depth: "INFINITY",
      maxSize: 5,
    });
    // Above what is below.
    expect(read('(DEPTH 1) "" (/private /shared/vendor/x)')).toMatchObject({
      entries: ["/private", "/shared/vendor/x"],
    });
  });

  it.each(["/", "//", "/private", "/private/", "/private//a", "/public/a", "private/a", "/private/a*", "/shared/%"])(
    "takes %s for no entry",
    (name) => {
      expect(faultOf(() => parseAll(parseSetMetadataArguments, `INBOX ("${name}" x)`))?.message).toMatch(/^Expected/);
    },
  );
  it.each(["/private/\xe9", "/private/a\x01", "/shared/vendor/x", "/PRIVATE/Vendor"])("nor %j", (name) => {
    const fault = faultOf(() => parseAll(parseGetMetadataArguments, `INBOX {${name.length}}\r\n${name}`));
    expect(fault?.message).toMatch(/^Expected the name of an entry/);
  });
});

describe("NOTIFY", () => {
  it("reads what is printed", () => {
    const names = fc.array(fc.constantFrom("INBOX", "Lists/Lemonade", "a b", "\u00e9"), { minLength: 1, maxLength: 3 });
    const specifier = fc.oneof(
      fc.record({ type: fc.constantFrom("selected", "selected-delayed", "inboxes", "personal", "subscribed") }),
      fc.record({ type: fc.constantFrom("subtree", "mailboxes"), names }),
    ) as fc.Arbitrary<MailboxSpecifier>;
    const events = fc.uniqueArray(fc.constantFrom(...NOTIFY_EVENTS, "FullMoon"), { maxLength: 4 });
    const groups = fc.array(fc.tuple(specifier, events, fc.array(fetchItem, { maxLength: 3 })), { maxLength: 4 });
    fc.assert(
      fc.property(groups, fc.boolean(), (made, asksStatus) => {
        const notify = {
          groups: made.map(([mailboxes, wanted, items]) => {
            return { mailboxes, events: wanted, fetch: wanted.includes("MessageNew") ? items : [] };
          }),
          status: asksStatus && made.length > 0,
        };
        expect(parseAll(parseNotifyArguments, printNotifyArguments(notify))).toEqual(notify);
      }),
    );
  });

  it("reads events in any case, and one name without parentheses", () => {
    const read = parseAll(parseNotifyArguments, "set (Subtree Lists (messagenew (uid) MESSAGEEXPUNGE))");
    const mailboxes = { type: "subtree", names: ["Lists"] };
    const group = { mailboxes, events: ["MessageNew", "MessageExpunge"], fetch: ["UID"] };
    expect(read).toEqual({ groups: [group], status: false });
  });
});

const unicode = fc.string({ unit: "binary", maxLength: 10 }).map((text) => text.replaceAll("\0", ""));
const dayMs = fc.integer({ min: -50_000, max: 2_000_000 }).map((day) => day * 86_400_000);
const { searchKey } = fc.letrec<{ searchKey: SearchKey; leaf: SearchKey }>((tie) => ({
  searchKey: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie("leaf"),
    fc.record({ type: fc.constant("not" as const), key: tie("searchKey") }),
    fc.record({ type: fc.constant("or" as const), keys: fc.tuple(tie("searchKey"), tie("searchKey")) }),
    fc.record({
      type: fc.constant("and" as const),
      keys: fc.array(tie("searchKey"), { minLength: 2, maxLength: 4 }),
    }),
  ),
  leaf: fc.oneof(
    fc.constant({ type: "all" as const }),
    fc.record({
      type: fc.constant("flag" as const),
      flag: fc.oneof(anyFlag, fc.constant("\\Recent")),
      set: fc.boolean(),
    }),
    fc.record({
      type: fc.constant("header" as const),
      field: fc.oneof(
        fc.constantFrom("bcc", "cc", "from", "subject", "to"),
        latin1.map((name) => asciiLower(name)),
      ),
      text: unicode,
    }),
    fc.record({ type: fc.constantFrom("body" as const, "text" as const), text: unicode }),
    fc.record({
      type: fc.constant("date" as const),
      of: fc.constantFrom("received" as const, "sent" as const, "saved" as const),
      is: fc.constantFrom("before" as const, "on" as const, "since" as const),
      dayMs,
    }),
    fc.record({
      type: fc.constant("size" as const),
      is: fc.constantFrom("larger" as const, "smaller" as const),
      octets: fc.maxSafeNat(),
    }),
    fc.record({
      type: fc.constant("age" as const),
      is: fc.constantFrom("older" as const, "younger" as const),
      seconds: fc.integer({ min: 1 }),
    }),
    fc.record({
      type: fc.constant("objectId" as const),
      of: fc.constantFrom("email" as const, "thread" as const),
      id: fc.string({ unit: fc.constantFrom(..."aZ09_-".split("")), minLength: 1, maxLength: 9 }),
    }),
    fc.record({ type: fc.constant("modSeq" as const), modSeq: fc.maxSafeNat() }),
    fc.record({ type: fc.constantFrom("sequence" as const, "uid" as const), set: sequenceSet }),
  ),
}));

/** RFC 9394 4 partial-range */
const pageRange = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.constantFrom(1, -1))
  .map(([first, last, sign]): PageRange => ({ first: sign * first, last: sign * last }));
const searchReturns = fc.oneof(
  fc.constant(null),
  fc
    .tuple(
      fc.subarray<SearchReturn>(["CONTEXT", "COUNT", "MAX", "MIN", "SAVE"], { minLength: 1 }),
      fc.subarray<SearchReturn>(["ALL"]),
      pageRange,
      fc.array(
        fetchItem.map((item) => ({ update: [item] })),
        { maxLength: 1 },
      ),
    )
    .map(([some, all, partial, update]) => [...some, ...update, ...(all.length > 0 ? all : [{ partial }])]),
);

function asciiLower(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "").toLowerCase();
}

describe("SEARCH", () => {
  const keyOf = (octets: string): SearchKey => parseAll(parseSearchArguments, octets).key;
  const seen: SearchKey = { type: "flag", flag: "\\Seen", set: true };
  const unseen: SearchKey = { ...seen, set: false };
  const recent: SearchKey = { type: "flag", flag: "\\Recent", set: true };

  it.each<[string, SearchKey]>([
    ["ALL", { type: "all" }],
    ["unseen", unseen],
    ["NEW", { type: "and", keys: [recent, unseen] }],
    ["OLD", { type: "flag", flag: "\\Recent", set: false }],
    ["KEYWORD $Junk", { type: "flag", flag: "$Junk", set: true }],
    ["UNKEYWORD a", { type: "flag", flag: "a", set: false }],
    ["UNSEEN UNDELETED", { type: "and", keys: [unseen, { type: "flag", flag: "\\Deleted", set: false }] }],
    // RFC 9051 6.4.4
    [
      'FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"',
      {
        type: "and",
        keys: [
          { type: "flag", flag: "\\Flagged", set: true },
          { type: "date", of: "received", is: "since", dayMs: Date.UTC(1994, 1, 1) },
          { type: "not", key: { type: "header", field: "from", text: "Smith" } },
        ],
      },
    ],
    ['TEXT "string not in mailbox"', { type: "text", text: "string not in mailbox" }],
    ["HEADER Message-ID <a@b>", { type: "header", field: "message-id", text: "<a@b>" }],
    ['header "X-Foo" ""', { type: "header", field: "x-foo", text: "" }],
    ["SENTON 01-Mar-2024", { type: "date", of: "sent", is: "on", dayMs: Date.UTC(2024, 2, 1) }],
    ["LARGER 9007199254740993", { type: "size", is: "larger", octets: Number.MAX_SAFE_INTEGER }],
    ["YOUNGER 600", { type: "age", is: "younger", seconds: 600 }],
    // RFC 8474 6, RFC 8514 4.3
    ["EMAILID M6d99ac3275bb4e", { type: "objectId", of: "email", id: "M6d99ac3275bb4e" }],
    ["threadid T64b478a75b7ea9", { type: "objectId", of: "thread", id: "T64b478a75b7ea9" }],
    ["SAVEDSINCE 28-Mar-2026", { type: "date", of: "saved", is: "since", dayMs: Date.UTC(2026, 2, 28) }],
    ["SAVEDATESUPPORTED", { type: "all" }],
    ["1:*", { type: "sequence", set: [[1, "*"]] }],
    [
      "UID 3,5:6",
      {
        type: "uid",
        set: [
          [3, 3],
          [5, 6],
        ],
      },
    ],
    ["((SEEN))", seen],
    ["(SEEN 1)", { type: "and", keys: [seen, { type: "sequence", set: [[1, 1]] }] }],
    ["OR SEEN NOT (UID 1)", { type: "or", keys: [seen, { type: "not", key: { type: "uid", set: [[1, 1]] } }] }],
    // RFC 7162 3.1.5
    ["MODSEQ 620162338", { type: "modSeq", modSeq: 620162338 }],
    ['MODSEQ "/flags/\\\\draft" all 620162338', { type: "modSeq", modSeq: 620162338 }],
  ])("reads %s", (octets, expected) => {
    expect(keyOf(octets)).toEqual(expected);
  });

  it.each([
    "",
    "FOO",
    "()",
    "(SEEN",
    "SEEN  UNSEEN",
    "NOT",
    "OR SEEN",
    "KEYWORD \\Seen",
    "SUBJECT",
    "LARGER -1",
    "LARGER 9223372036854775808",
    "OLDER 0",
    "OLDER 4294967296",
    "BEFORE 31-Feb-2024",
    "UID SEEN",
    "0",
    "MODSEQ 9223372036854775808",
    'MODSEQ "/flags/x" 5',
    "UNRECENT",
    "EMAILID",
    "EMAILID a.b",
    `EMAILID ${"a".repeat(256)}`,
    "CHARSET UTF-8",
    "CHARSET UTF-8 SUBJECT {1}\r\n\xff",
    "CHARSET US-ASCII SUBJECT {1}\r\n\xff",
  ])("faults %s", (octets) => {
    expect(faultOf(() => keyOf(octets))).not.toBeNull();
  });

  it.each([
    ["RETURN (MIN MAX ALL COUNT SAVE) SEEN", ["MIN", "MAX", "ALL", "COUNT", "SAVE"]],
    ["return (count) CHARSET UTF-8 SEEN", ["COUNT"]],
    // RFC 4731 3.1
    ["RETURN () SEEN", ["ALL"]],
    // RFC 9394 3.1
    ["RETURN (PARTIAL 23500:24000) SEEN", [{ partial: { first: 23500, last: 24000 } }]],
    // RFC 5267 4.2 and 4.3, RFC 5465 7
    ["RETURN (CONTEXT COUNT) SEEN", ["CONTEXT", "COUNT"]],
    ["RETURN (update count) SEEN", [{ update: [] }, "COUNT"]],
    ["RETURN (COUNT UPDATE (UID FLAGS) MIN) SEEN", ["COUNT", { update: ["UID", "FLAGS"] }, "MIN"]],
    ["return (partial -1:-100 count) SEEN", [{ partial: { first: -1, last: -100 } }, "COUNT"]],
    ["SEEN", null],
  ])("reads what %s gives back", (octets, returns) => {
    expect(parseAll(parseSearchArguments, octets)).toMatchObject({ returns, key: seen });
  });

  it.each([
    "RETURN SEEN",
    "RETURN (ALL)",
    "RETURN (SOME) SEEN",
    "RETURN (ALL",
    "CHARSET UTF-8 RETURN (ALL) SEEN",
    "RETURN (PARTIAL) SEEN",
    "RETURN (PARTIAL 5) SEEN",
    "RETURN (PARTIAL 0:5) SEEN",
    "RETURN (PARTIAL 1:*) SEEN",
    "RETURN (PARTIAL -1:5) SEEN",
    "RETURN (PARTIAL 1:-5) SEEN",
    "RETURN (PARTIAL 1:5 ALL) SEEN",
    "RETURN (PARTIAL 1:5 PARTIAL 1:5) SEEN",
    "RETURN (ALL COUNT ALL) SEEN",
    "RETURN (UPDATE UPDATE) SEEN",
    "RETURN (UPDATE ()) SEEN",
    "RETURN (UPDATE (UID) (UID)) SEEN",
    "RETURN (UPDATE (SOME)) SEEN",
    "RETURN ((UID)) SEEN",
    "RETURN (COUNT (UID)) SEEN",
  ])("faults %s", (octets) => expect(faultOf(() => keyOf(octets))).not.toBeNull());

  it.each<[range: PageRange, count: number, rows: readonly number[]]>([
    [{ first: 1, last: 3 }, 10, [0, 1, 2]],
    [{ first: 9, last: 12 }, 10, [8, 9]],
    [{ first: 3, last: 2 }, 10, [1, 2]],
    [{ first: 11, last: 12 }, 10, []],
    [{ first: -1, last: -3 }, 10, [7, 8, 9]],
    [{ first: -9, last: -12 }, 10, [0, 1]],
    [{ first: -11, last: -12 }, 10, []],
    [{ first: 1, last: 1 }, 0, []],
    [{ first: -1, last: -1 }, 0, []],
  ])("has %j of %d results at %j", (range, count, rows) => {
    const { start, end } = pageOf(range, count);
    expect(Array.from({ length: count }, (_, row) => row).slice(start, end)).toEqual(rows);
  });

  it("reads texts in UTF-8 or ISO-8859-1, and leaves those in a charset that it does not know", () => {
    const utf8 = Buffer.from("Grüße").toString("latin1");
    expect(keyOf(`CHARSET utf-8 BODY "${utf8}"`)).toEqual({ type: "body", text: "Grüße" });
    expect(keyOf(`BODY {${utf8.length}}\r\n${utf8}`)).toEqual({ type: "body", text: "Grüße" });
    expect(keyOf('BODY "Gr\xfc\xdfe"')).toEqual({ type: "body", text: "Grüße" });
    expect(keyOf('CHARSET iso-8859-1 BODY "\xc3\xbc"')).toEqual({ type: "body", text: "\u00c3\u00bc" });
    expect(parseAll(parseSearchArguments, 'CHARSET "koi8-r" BODY "\xff"')).toEqual({
      returns: null,
      charset: "KOI8-R",
      key: { type: "body", text: "\xff" },
    });
  });

  it("reads what is printed", () => {
    const searches = fc.record<SearchArguments>({
      returns: searchReturns,
      charset: fc.constantFrom(null, "UTF-8"),
      key: searchKey,
    });
    fc.assert(
      fc.property(searches, (search) => {
        expect(parseAll(parseSearchArguments, printSearchArguments(search))).toEqual(search);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["NOT", (depth: number) => `${"NOT ".repeat(depth - 1)}ALL`],
    ["parentheses", (depth: number) => "(".repeat(depth - 1) + "ALL" + ")".repeat(depth - 1)],
    ["OR on the right", (depth: number) => `${"OR ALL ".repeat(depth - 1)}ALL`],
    ["OR on the left", (depth: number) => "OR ".repeat(depth - 1) + "ALL" + " ALL".repeat(depth - 1)],
  ])("bounds the depth of %s", (_, nested) => {
    const { searchDepthMax } = DEFAULT_WIRE_LIMITS;
    expect(faultOf(() => keyOf(nested(searchDepthMax)))).toBeNull();
    expect(faultOf(() => keyOf(nested(searchDepthMax + 1)))?.message).toBe("Search too complex");
    expect(faultOf(() => keyOf(nested(15_000)))).not.toBeNull();
  });

  it("bounds the number of keys", () => {
    const scan = (octets: string): Scanner =>
      new Scanner(frameOf(octets), { ...DEFAULT_WIRE_LIMITS, searchKeysMax: 4 });
    expect(parseSearchArguments(scan("NOT OR 1 2")).key.type).toBe("not");
    for (const octets of ["1 2 3 4 5", "(1 2 3 4)", "NOT OR 1 (2)"]) {
      expect(() => parseSearchArguments(scan(octets))).toThrow("Search too complex");
    }
    expect(faultOf(() => keyOf("1 ".repeat(20_000).trim()))).not.toBeNull();
  });
});

describe("SORT and THREAD", () => {
  it.each<[string, readonly SortCriterion[]]>([
    // RFC 5256 3
    ["(SUBJECT) UTF-8 SINCE 1-Feb-1994", [{ key: "SUBJECT", reverse: false }]],
    [
      "(subject reverse date) UTF-8 ALL",
      [
        { key: "SUBJECT", reverse: false },
        { key: "DATE", reverse: true },
      ],
    ],
    ["RETURN (COUNT) (SIZE REVERSE SIZE) US-ASCII ALL", [{ key: "SIZE", reverse: false }]],
  ])("sorts as %s says", (octets, criteria) => {
    expect(parseAll(parseSortArguments, octets).criteria).toEqual(criteria);
  });

  it.each([
    "",
    "() UTF-8 ALL",
    "(SUBJECT) ALL",
    "SUBJECT UTF-8 ALL",
    "(REVERSE) UTF-8 ALL",
    "(REVERSE REVERSE TO) a ALL",
  ])("faults SORT %s", (octets) => expect(faultOf(() => parseAll(parseSortArguments, octets))).not.toBeNull());

  it.each(["REFERENCES ALL", "REFERENCES UTF-8", "SUBJECT UTF-8 ALL", "RETURN (COUNT) REFERENCES UTF-8 ALL"])(
    "faults THREAD %s",
    (octets) => expect(faultOf(() => parseAll(parseThreadArguments, octets))).not.toBeNull(),
  );

  it("read what is printed", () => {
    const keys: readonly SortKey[] = [
      "ARRIVAL",
      "CC",
      "DATE",
      "DISPLAYFROM",
      "DISPLAYTO",
      "FROM",
      "SIZE",
      "SUBJECT",
      "TO",
    ];
    const criteria = fc.uniqueArray(fc.record({ key: fc.constantFrom(...keys), reverse: fc.boolean() }), {
      minLength: 1,
      selector: ({ key }) => key,
    });
    const search = { charset: fc.constantFrom("UTF-8", "US-ASCII"), key: searchKey };
    const sorts = fc.record<SortArguments>({ returns: searchReturns, criteria, ...search });
    const threads = fc.record<ThreadArguments>({ algorithm: fc.constantFrom(...THREAD_ALGORITHMS), ...search });
    fc.assert(
      fc.property(sorts, threads, (sort, thread) => {
        // The charset says what the texts of the keys are in: ASCII there is UTF-8 too.
        expect(parseAll(parseSortArguments, printSortArguments(sort))).toEqual(sort);
        expect(parseAll(parseThreadArguments, printThreadArguments(thread))).toEqual(thread);
      }),
    );
  });
});

describe("UIDBATCHES", () => {
  it.each<[string, BatchArguments]>([
    ["2000", { size: 2000, batches: null }],
    ["2000 10:20", { size: 2000, batches: [10, 20] }],
    ["500 1:1", { size: 500, batches: [1, 1] }],
  ])("reads %s, and prints it so", (octets, asked) => {
    expect(parseAll(parseBatchArguments, octets)).toEqual(asked);
    expect(printBatchArguments(asked)).toBe(octets);
  });

  it.each(["", "0", "500 1", "500 1:", "500 0:1", "500 1:*", "500 1,2", "500 4:1", "4294967296"])(
    "faults %j",
    (octets) => expect(() => parseAll(parseBatchArguments, octets)).toThrow(SyntaxFault),
  );

  it("is answered from the highest UID down (RFC 10022 3.1.2)", () => {
    expect(printUidBatches("A1", [])).toBe('* UIDBATCHES (TAG "A1")\r\n');
    expect(printUidBatches("A1", [[7, 7]])).toBe('* UIDBATCHES (TAG "A1") 7:7\r\n');
    expect(
      printUidBatches("A1", [
        [5, 9],
        [1, 4],
      ]),
    ).toBe('* UIDBATCHES (TAG "A1") 9:5,4:1\r\n');
  });
});

describe("SETACL", () => {
  it.each<[string, SetAclArguments]>([
    ["INBOX smith lrs", { mailbox: "INBOX", identifier: "smith", mode: "replace", rights: "lrs" }],
    ['INBOX -a@b "+lc"', { mailbox: "INBOX", identifier: "-a@b", mode: "add", rights: "lkx" }],
    ["x anyone -d", { mailbox: "x", identifier: "anyone", mode: "remove", rights: "te" }],
    ['x "a b" ""', { mailbox: "x", identifier: "a b", mode: "replace", rights: "" }],
    ["x y +", { mailbox: "x", identifier: "y", mode: "add", rights: "" }],
  ])("reads %s", (octets, args) => expect(parseAll(parseSetAclArguments, octets)).toEqual(args));

  it.each(["", "x", "x y", 'x "" l', "x \xff l", "x y L", "x y lq", "x y l+r", "x y --l", 'x y "l r"', "x y l r"])(
    "faults %s",
    (octets) => expect(faultOf(() => parseAll(parseSetAclArguments, octets))).not.toBeNull(),
  );

  it("reads what is printed", () => {
    const mailbox = fc.string({ unit: fc.constantFrom(...'aZ/&%*é "\\'.split("")), maxLength: 6 });
    const named = { mailbox, identifier: fc.string({ unit: "grapheme", minLength: 1 }).filter(isPlain) };
    const args = fc.record<SetAclArguments>({
      ...named,
      mode: fc.constantFrom("replace", "add", "remove"),
      rights: fc.string({ unit: fc.constantFrom(..."lrswipkxtea".split("")) }),
    });
    fc.assert(
      fc.property(args, fc.record<AclIdentifier>(named), (set, deleted) => {
        expect(parseAll(parseSetAclArguments, printSetAclArguments(set))).toEqual(set);
        expect(parseAll(parseAclIdentifier, printAclIdentifier(deleted))).toEqual(deleted);
      }),
    );
  });
});

/** NUL has no form on the wire. */
function isPlain(text: string): boolean {
  return !text.includes("\0");
}

describe("LIST", () => {
  const none: ListArguments = {
    extended: true,
    selections: [],
    reference: "",
    patterns: ["*"],
    returns: [],
    status: null,
    metadata: null,
  };

  it.each<[string, ListArguments]>([
    ['"" *', { ...none, extended: false }],
    ['"" * RETURN ()', none],
    ['() "" (*)', none],
    ['(SUBSCRIBED RECURSIVEMATCH) "" *', { ...none, selections: ["SUBSCRIBED", "RECURSIVEMATCH"] }],
    // RFC 5258 5
    ['"" ("INBOX" "Drafts" "Sent/%")', { ...none, patterns: ["INBOX", "Drafts", "Sent/%"] }],
    [
      '(remote) "#ftp/" % return (children)',
      { ...none, selections: ["REMOTE"], reference: "#ftp/", patterns: ["%"], returns: ["CHILDREN"] },
    ],
    // RFC 5819 2
    [
      '"" * RETURN (STATUS (MESSAGES UNSEEN) SUBSCRIBED)',
      { ...none, returns: ["SUBSCRIBED"], status: ["MESSAGES", "UNSEEN"] },
    ],
  ])("reads %s", (octets, list) => {
    expect(parseAll(parseListArguments, octets)).toEqual(list);
  });

  it.each([
    "",
    '""',
    '"" ()',
    '"" * RETURN',
    '"" * RETURN CHILDREN',
    '"" * RETURN (STATUS)',
    '"" * RETURN (STATUS ())',
    '"" * RETURN (NOBODY)',
    '(NOBODY) "" *',
    '(RECURSIVEMATCH) "" *',
    '(REMOTE RECURSIVEMATCH) "" *',
    '(SUBSCRIBED) "" "*',
  ])("faults %j", (octets) => {
    expect(faultOf(() => parseAll(parseListArguments, octets))).not.toBeNull();
  });

  it("bounds its patterns together with the reference before each", () => {
    const listed = (patterns: number): unknown =>
      parseAll(parseListArguments, `"1234" (${"123456 ".repeat(patterns)}7)`);
    expect(faultOf(() => listed(99))?.message).toBeUndefined();
    expect(faultOf(() => listed(100))?.message).toBe("Mailbox patterns too long");
  });

  it("reads what is printed", () => {
    const selections = fc.constantFrom<ListSelection[]>(
      ...([[], ["SUBSCRIBED"], ["REMOTE"], ["SPECIAL-USE", "RECURSIVEMATCH"]] as ListSelection[][]),
    );
    const name = fc.string({ unit: fc.constantFrom(...'aZ/&%*é "\\'.split("")), maxLength: 6 });
    const extended = fc.record<ListArguments>({
      extended: fc.constant(true),
      selections,
      reference: name.map((text) => text.replace(/^inbox$/i, "")),
      patterns: fc.array(name, { minLength: 1, maxLength: 3 }),
      returns: fc.subarray<ListReturn>(["CHILDREN", "SPECIAL-USE", "SUBSCRIBED"]),
      status: fc.constantFrom<ListArguments["status"]>(null, ["MESSAGES"], ["DELETED-STORAGE", "APPENDLIMIT", "SIZE"]),
      metadata: fc.constantFrom<ListArguments["metadata"]>(null, ["/private/a"], ["/shared/b", "/private/c d"]),
    });
    const lists = fc.oneof(
      extended,
      fc.record({ reference: name, pattern: name }).map(({ reference, pattern }): ListArguments => {
        return { ...none, extended: false, reference, patterns: [pattern] };
      }),
    );
    fc.assert(
      fc.property(lists, (list) => expect(parseAll(parseListArguments, printListArguments(list))).toEqual(list)),
    );
  });
});

describe("CREATE", () => {
  it.each(["", "box (", "box (USE)", "box (USE \\Drafts)", "box (USE (Drafts))", "box (USE (\\Drafts)", "box ()"])(
    "faults %j",
    (octets) => expect(faultOf(() => parseAll(parseCreateArguments, octets))).not.toBeNull(),
  );

  it("reads what is printed", () => {
    const creates = fc.record({
      mailbox: fc.constantFrom("a", "INBOX", "é/ &"),
      uses: fc.subarray(["Drafts", "x", "All"]),
    });
    fc.assert(
      fc.property(creates, (create) =>
        expect(parseAll(parseCreateArguments, printCreateArguments(create))).toEqual(create),
      ),
    );
  });
});

describe("ESEARCH", () => {
  it.each<[string, EsearchArguments["sources"]]>([
    ["ALL", null],
    // RFC 7377 2.1
    [
      'IN (mailboxes "folder1" subtree "folder2") unseen',
      [
        { type: "mailboxes", names: ["folder1"] },
        { type: "subtree", names: ["folder2"] },
      ],
    ],
    [
      "in (Personal selected subtree-one (a b)) return (count) all",
      [{ type: "personal" }, { type: "selected" }, { type: "subtree-one", names: ["a", "b"] }],
    ],
  ])("searches as %s says", (octets, sources) => {
    expect(parseAll(parseEsearchArguments, octets).sources).toEqual(sources);
  });

  it.each([
    "",
    "IN ALL",
    "IN () ALL",
    "IN (selected-delayed) ALL",
    "IN (mailboxes) ALL",
    "IN (mailboxes ()) ALL",
    "IN (nowhere) ALL",
    "IN (personal)",
  ])("faults %j", (octets) => expect(faultOf(() => parseAll(parseEsearchArguments, octets))).not.toBeNull());

  it("reads what is printed", () => {
    const names = fc.array(fc.constantFrom("INBOX", "a b", "é"), { minLength: 1, maxLength: 2 });
    const source = fc.oneof(
      fc.record({
        type: fc.constantFrom("selected" as const, "inboxes" as const, "personal" as const, "subscribed" as const),
      }),
      fc.record({ type: fc.constantFrom("subtree" as const, "subtree-one" as const, "mailboxes" as const), names }),
    );
    const esearches = fc.record<EsearchArguments>({
      sources: fc.option(fc.array(source, { minLength: 1, maxLength: 3 })),
      search: fc.record<SearchArguments>({
        returns: searchReturns,
        charset: fc.constantFrom(null, "UTF-8"),
        key: searchKey,
      }),
    });
    fc.assert(
      fc.property(esearches, (one) => expect(parseAll(parseEsearchArguments, printEsearchArguments(one))).toEqual(one)),
    );
  });
});
