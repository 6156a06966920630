import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parseBatchArguments } from "./batch-arguments.ts";
import { readCommandLine } from "./command-line.ts";
import { parseDate, parseDateTime } from "./date-time.ts";
import { parseFetchArguments } from "./fetch-item.ts";
import { parseFlagList } from "./flags.ts";
import { Framer } from "./framer.ts";
import { parseIdParameters } from "./id-parameters.ts";
import { DEFAULT_WIRE_LIMITS } from "./limits.ts";
import { parseListMailbox, parseMailbox } from "./mailbox-name.ts";
import { Scanner } from "./scanner.ts";
import { parseGetMetadataArguments, parseSetMetadataArguments } from "./metadata.ts";
import { parseNotifyArguments } from "./notify-arguments.ts";
import { parseSearchArguments } from "./search-key.ts";
import { parseSection } from "./section.ts";
import { parseSelectParameters } from "./select-parameters.ts";
import { parseSequenceSet } from "./sequence-set.ts";
import { parseStatusItems } from "./status-item.ts";
import { parseStoreArguments } from "./store-arguments.ts";
import { SyntaxFault } from "./syntax-fault.ts";
import { tagOf } from "./tag.ts";
import { faultOf, frameOf, parseAll } from "./test-support/frame-of.ts";

describe("Scanner", () => {
  it("takes UTF-8 alone between quotes from who has enabled it (RFC 9755 3)", () => {
    for (const [text, taken] of [
      ['"\xc3\xbc"', true],
      ['"\xfc"', false],
      ['"\xc3\\"\xbc"', false],
    ] as const) {
      const scan = new Scanner(frameOf(text));
      expect(scan.string()).toHaveLength(text.replace("\\", "").length - 2);
      const strict = new Scanner(frameOf(text));
      strict.acceptsUtf8 = true;
      if (taken) expect(strict.string()).toBe(text.slice(1, -1));
      else expect(() => strict.string()).toThrow("Text is not UTF-8");
    }
  });

  it.each<[string, (scan: Scanner) => unknown, unknown]>([
    ["a.b[c", (scan) => scan.atom(), "a.b[c"],
    ["a]b", (scan) => scan.astring(), "a]b"],
    ['"a \\"\\\\\xff b"', (scan) => scan.astring(), 'a "\\\xff b'],
    ['""', (scan) => scan.string(), ""],
    ["{4}\r\n\r\n\xff)", (scan) => scan.string(), "\r\n\xff)"],
    ["{2+}\r\n{}", (scan) => scan.astring(), "{}"],
    ["nil", (scan) => scan.nstring(), null],
    ['"NIL"', (scan) => scan.nstring(), "NIL"],
    ["NIL", (scan) => scan.astring(), "NIL"],
    ["inb%*]", (scan) => scan.listMailbox(), "inb%*]"],
    ["4294967295", (scan) => scan.number(), 4294967295],
    ["007", (scan) => scan.nzNumber(), 7],
    ["9007199254740991", (scan) => scan.number64(), Number.MAX_SAFE_INTEGER],
    ["9223372036854775807", (scan) => scan.number64(), Number.MAX_SAFE_INTEGER],
    ["body.peek[", (scan) => [scan.word(), scan.peek], ["BODY.PEEK", "["]],
    ["(a (b c) ())", (scan) => readNested(scan), ["a", ["b", "c"], []]],
    ["~{3}\r\n\0\r\n", (scan) => scan.literal().bytes?.toString("latin1"), "\0\r\n"],
    ["atom   ", (scan) => scan.atom(), "atom"],
  ])("reads %j", (octets, read, expected) => {
    const scan = new Scanner(frameOf(octets));
    expect(read(scan)).toEqual(expected);
    if (scan.peek !== "[") scan.end();
  });

  it.each<[string, (scan: Scanner) => unknown, number]>([
    ["", (scan) => scan.atom(), 1],
    ["a(", (scan) => parseAtoms(scan), 2],
    ["a  b", (scan) => parseAtoms(scan), 3],
    ["a b\xff", (scan) => parseAtoms(scan), 4],
    ['"abc', (scan) => scan.string(), 5],
    ['"a\\bc"', (scan) => scan.string(), 4],
    ['"a\rb"', (scan) => scan.string(), 3],
    ["~{1}\r\nx", (scan) => scan.string(), 1],
    ["{1}\r\n\0", (scan) => scan.astring(), 1],
    ["nix", (scan) => scan.nstring(), 1],
    ["4294967296", (scan) => scan.number(), 1],
    [`${"9".repeat(400)}`, (scan) => scan.number(), 1],
    ["9223372036854775808", (scan) => scan.number64(), 1],
    [`${"9".repeat(50_000)}`, (scan) => scan.number64(), 1],
    ["0", (scan) => scan.nzNumber(), 1],
    ["-1", (scan) => scan.number(), 1],
    ["(a b", (scan) => scan.list(() => scan.atom()), 5],
    ["(a )", (scan) => scan.list(() => scan.atom()), 4],
  ])("faults %j with the column", (octets, read, column) => {
    expect(faultOf(() => read(new Scanner(frameOf(octets))))).toMatchObject({ column });
  });

  it("tells a literal that is not in memory from the text around it", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    framer.push(Buffer.from("a APPEND {3+}\r\nbox (\\Seen) {5000000}\r\n"));
    const arguments_ = (): Scanner => {
      const event = framer.next();
      if (event?.type !== "literal") throw new Error("expected a literal");
      const { scan } = readCommandLine(event.frame);
      scan.space();
      return scan;
    };
    expect(arguments_().atUnreadLiteral).toBe(true);
    framer.keep();
    const scan = arguments_();
    expect(scan.atUnreadLiteral).toBe(false);
    expect(parseMailbox(scan)).toBe("box");
    scan.expect(" (\\SEEN) ");
    expect(scan.atUnreadLiteral).toBe(true);
    // To read it as a string is a mistake of the caller, not of the client.
    expect(() => scan.string()).toThrow("not kept");
    expect(scan.atEnd).toBe(true);
  });

  it("reads back any octets in each of their forms", () => {
    const octets = fc.string({ unit: fc.nat({ max: 254 }).map((code) => String.fromCharCode(code + 1)) });
    fc.assert(
      fc.property(octets, (text) => {
        expect(parseAll((scan) => scan.string(), `{${text.length}}\r\n${text}`)).toBe(text);
        const quotable = text.replace(/[\r\n]/g, "");
        expect(parseAll((scan) => scan.astring(), `"${quotable.replace(/["\\]/g, "\\$&")}"`)).toBe(quotable);
      }),
    );
  });
});

function parseAtoms(scan: Scanner): string[] {
  const atoms = [];
  do atoms.push(scan.atom());
  while (scan.skip(" "));
  scan.end();
  return atoms;
}

function readNested(scan: Scanner): unknown {
  return scan.peek === "(" ? scan.list(() => readNested(scan)) : scan.atom();
}

describe("readCommandLine", () => {
  it.each([
    ["a1 noop", "a1", "NOOP", ""],
    ["]x.9 Login u p", "]x.9", "LOGIN", " u p"],
    ["a uid fetch 1 UID", "a", "UID FETCH", " 1 UID"],
    ["a UID Expunge 1", "a", "UID EXPUNGE", " 1"],
  ])("reads %j", (text, tag, name, rest) => {
    const command = readCommandLine(frameOf(text));
    expect(command).toMatchObject({ tag, name });
    if (rest !== "") command.scan.expect(rest);
    command.scan.end();
  });

  it.each([
    ["", null],
    ["  ", null],
    ["+ NOOP", null],
    ["a+b NOOP", null],
    ["a", "a"],
    ["a ", "a"],
    ["a  NOOP", "a"],
    ["a UID", "a"],
    ["a {3+}\r\nxyz", "a"],
    ["a \xffNOOP", "a"],
    ["GET / HTTP/1.1", "GET"],
  ])("faults %j, and its tag is known all the same", (octets, tag) => {
    const frame = frameOf(octets);
    expect(faultOf(() => readCommandLine(frame))).toBeInstanceOf(SyntaxFault);
    expect(tagOf(frame.text)).toBe(tag);
  });
});

describe("every parser", () => {
  const parsers: Record<string, (scan: Scanner) => unknown> = {
    parseDate,
    parseDateTime,
    parseFetchArguments,
    parseFlagList,
    parseIdParameters,
    parseListMailbox,
    parseMailbox,
    parseGetMetadataArguments,
    parseNotifyArguments,
    parseSearchArguments,
    parseSection,
    parseSelectParameters,
    parseSequenceSet,
    parseSetMetadataArguments,
    parseStatusItems,
    parseStoreArguments,
  };
  const token = fc.constantFrom(
    ...'( ) [ ] < > . , : * % & - + $ \\ " {0} {1}\r\nx ~{1}\r\n\0 NIL 0 1 4294967295 4294967296 99999999999999999999'.split(
      " ",
    ),
    ..."OR NOT ALL UID HEADER BODY TEXT KEYWORD CHARSET MODSEQ BEFORE LARGER 1-Jan-2020 BODY[ BODY.PEEK[ MIME RFC822".split(
      " ",
    ),
    ..."HEADER.FIELDS FLAGS FLAGS.SILENT UNCHANGEDSINCE CHANGEDSINCE \\Seen \\Recent &AOk- &A- \xff \t MESSAGES".split(
      " ",
    ),
    " ",
    " ",
    " ",
  );

  it.each(Object.entries(parsers))("%s gives a value or a SyntaxFault, whatever it reads", (_, parse) => {
    const octets = fc.array(fc.oneof({ weight: 9, arbitrary: token }, fc.string({ maxLength: 3 })), { maxLength: 20 });
    fc.assert(
      fc.property(octets, (parts) => {
        const fault = faultOf(() => parseAll(parse, parts.join("")));
        expect(fault === null || fault instanceof SyntaxFault).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

it.each<[string, (scan: Scanner) => unknown]>([
  [" (CONDSTORE)", parseSelectParameters],
  ["", parseSelectParameters],
  ["ALL", parseSearchArguments],
  ["BODY ab", parseSearchArguments],
  ["FLAGS", parseFetchArguments],
  ["(FLAGS) (CHANGEDSINCE 1)", parseFetchArguments],
  ["FLAGS \\Seen", parseStoreArguments],
  ["500", parseBatchArguments],
  ["{1}\r\n ", (scan) => scan.astring()],
])("blanks behind a command do no harm: %j", (octets, parse) => {
  expect(parseAll(parse, `${octets}  `)).toEqual(parseAll(parse, octets));
});
