import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { FrameEvent } from "./frame.ts";
import { Framer } from "./framer.ts";
import type { WireLimits } from "./limits.ts";
import { DEFAULT_WIRE_LIMITS } from "./limits.ts";
import { SyntaxFault } from "./syntax-fault.ts";

const LIMITS: WireLimits = { ...DEFAULT_WIRE_LIMITS, lineBytesMax: 60, literalBytesMax: 20, literalsMax: 3 };

/** Feeds pieces and decides on literals by what their command says; gives what happened, streamed octets joined. */
function run(pieces: readonly Buffer[], limits: WireLimits = LIMITS): string[] {
  const framer = new Framer(limits);
  const log: string[] = [];
  let streamed = "";
  for (const piece of pieces) {
    framer.push(piece);
    for (let event = framer.next(); event !== undefined; event = framer.next()) {
      if (event.type === "chunk") {
        streamed += event.bytes.toString("latin1");
        if (event.last) log.push(`streamed ${JSON.stringify(streamed)}`);
        if (event.last) streamed = "";
      } else {
        log.push(describeEvent(event));
        if (event.type === "literal") log.push(decide(framer, event.frame.text));
      }
    }
  }
  log.push(`held ${framer.heldBytes}, pending ${framer.pendingBytes}`);
  return log;
}

function describeEvent(event: Exclude<FrameEvent, { type: "chunk" }>): string {
  if (event.type === "fault") return `fault ${event.tag}: ${event.fault.message}`;
  const literals = event.frame.literals.map((literal) => {
    const kind = `${literal.binary ? "~" : ""}${literal.octets}${literal.synchronizing ? "" : "+"}`;
    return `${literal.start}-${literal.end} ${kind} ${JSON.stringify(literal.bytes?.toString("latin1") ?? null)}`;
  });
  return `${event.type} ${JSON.stringify(event.frame.text)} [${literals.join("; ")}]`;
}

function decide(framer: Framer, text: string): string {
  try {
    if (text.includes("REFUSE")) framer.refuse();
    else if (text.includes("APPEND")) framer.stream();
    else framer.keep();
    return "decided";
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    return `refused: ${error.message} at ${error.column}`;
  }
}

interface Case {
  readonly octets: string;
  readonly events: readonly string[];
}

const EMPTY = "held 0, pending 0";
const CASES: Record<string, Case> = {
  "a plain command": { octets: "A1 NOOP\r\n", events: ['frame "A1 NOOP" []', EMPTY] },
  "bare line feeds and an empty line": {
    octets: "A1 NOOP\n\r\n\nDONE\n",
    events: ['frame "A1 NOOP" []', 'frame "" []', 'frame "" []', 'frame "DONE" []', EMPTY],
  },
  "a carriage return within a line": { octets: "A1 NO\rOP\r\r\n", events: ['frame "A1 NO\\rOP\\r" []', EMPTY] },
  "synchronizing literals that are kept": {
    octets: "a L {3}\r\nb\r\n {2}\r\n\xff\0\r\n",
    events: [
      'literal "a L {3}" [4-7 3 null]',
      "decided",
      'literal "a L {3} {2}" [4-7 3 "b\\r\\n"; 8-11 2 null]',
      "decided",
      'frame "a L {3} {2}" [4-7 3 "b\\r\\n"; 8-11 2 "ÿ\\u0000"]',
      EMPTY,
    ],
  },
  "a literal8 without waiting, and an empty literal": {
    octets: "a L ~{4+}\r\n{9}\n {0}\r\n x\r\n",
    events: [
      'literal "a L ~{4+}" [4-9 ~4+ null]',
      "decided",
      'literal "a L ~{4+} {0}" [4-9 ~4+ "{9}\\n"; 10-13 0 null]',
      "decided",
      'frame "a L ~{4+} {0} x" [4-9 ~4+ "{9}\\n"; 10-13 0 ""]',
      EMPTY,
    ],
  },
  "a streamed literal that looks like commands": {
    octets: "a APPEND b {29}\r\nSubject: A2 NOOP\r\n\r\nA3 NOOP\r\n\r\nA4 NOOP\r\n",
    events: [
      'literal "a APPEND b {29}" [11-15 29 null]',
      "decided",
      'streamed "Subject: A2 NOOP\\r\\n\\r\\nA3 NOOP\\r\\n"',
      'frame "a APPEND b {29}" [11-15 29 null]',
      'frame "A4 NOOP" []',
      EMPTY,
    ],
  },
  "several streamed literals in one command": {
    octets: "a APPEND {1+}\r\nx () {0}\r\n {2}\r\nyz\r\nA4 NOOP\r\n",
    events: [
      'literal "a APPEND {1+}" [9-13 1+ null]',
      "decided",
      'streamed "x"',
      'literal "a APPEND {1+} () {0}" [9-13 1+ null; 17-20 0 null]',
      "decided",
      'streamed ""',
      'literal "a APPEND {1+} () {0} {2}" [9-13 1+ null; 17-20 0 null; 21-24 2 null]',
      "decided",
      'streamed "yz"',
      'frame "a APPEND {1+} () {0} {2}" [9-13 1+ null; 17-20 0 null; 21-24 2 null]',
      'frame "A4 NOOP" []',
      EMPTY,
    ],
  },
  "a refused literal that the client sends only after a continuation": {
    octets: "a REFUSE {9}\r\nb NOOP\r\n",
    events: ['literal "a REFUSE {9}" [9-12 9 null]', "decided", 'frame "b NOOP" []', EMPTY],
  },
  "a refused literal that comes unasked, with what follows it": {
    octets: "a REFUSE {9+}\r\nx NOOP\r\n. {4+}\r\n\r\n\r\n end\r\nb NOOP\r\n",
    events: ['literal "a REFUSE {9+}" [9-13 9+ null]', "decided", 'frame "b NOOP" []', EMPTY],
  },
  "a synchronizing literal behind a refused one ends the command": {
    octets: "a REFUSE {2+}\r\nxx {4}\r\nb NOOP\r\n",
    events: ['literal "a REFUSE {2+}" [9-13 2+ null]', "decided", 'frame "b NOOP" []', EMPTY],
  },
  "a literal that is too large to keep": {
    octets: "a L {21+}\r\nb NOOP\r\nb NOOP\r\n12345\r\nc NOOP\r\n",
    events: ['literal "a L {21+}" [4-9 21+ null]', "refused: Literal too large at 5", 'frame "c NOOP" []', EMPTY],
  },
  "literals that are too large together": {
    octets: "a L {15+}\r\n123456789012345 {6}\r\nc NOOP\r\n",
    events: [
      'literal "a L {15+}" [4-9 15+ null]',
      "decided",
      'literal "a L {15+} {6}" [4-9 15+ "123456789012345"; 10-13 6 null]',
      "refused: Literal too large at 11",
      'frame "c NOOP" []',
      EMPTY,
    ],
  },
  "too many literals": {
    octets: "a APPEND {0+}\r\n{0+}\r\n{0+}\r\n{3+}\r\n\r\n\r {2}\r\nc NOOP\r\n",
    events: [
      'literal "a APPEND {0+}" [9-13 0+ null]',
      "decided",
      'streamed ""',
      'literal "a APPEND {0+}{0+}" [9-13 0+ null; 13-17 0+ null]',
      "decided",
      'streamed ""',
      'literal "a APPEND {0+}{0+}{0+}" [9-13 0+ null; 13-17 0+ null; 17-21 0+ null]',
      "decided",
      'streamed ""',
      "fault a: Too many literals",
      'frame "c NOOP" []',
      EMPTY,
    ],
  },
  "a line that is too long": {
    octets: `abc ${"x".repeat(200)}\r\nc NOOP\r\n`,
    events: ["fault abc: Command line too long", 'frame "c NOOP" []', EMPTY],
  },
  "a line as long as may be": {
    octets: `abc ${"x".repeat(55)}\r\nc NOOP\r\n`,
    events: [`frame "abc ${"x".repeat(55)}" []`, 'frame "c NOOP" []', EMPTY],
  },
  "a line that is too long and has no tag that ends": {
    octets: `${"x".repeat(100)} NOOP\r\nc NOOP\r\n`,
    events: ["fault null: Command line too long", 'frame "c NOOP" []', EMPTY],
  },
  "a line that is too long with a literal that comes unasked": {
    octets: `abc ${"x".repeat(57)} {12+}\r\nx NOOP\r\ny N {1+}\r\n\nz\r\nc NOOP\r\n`,
    events: ["fault abc: Command line too long", 'frame "c NOOP" []', EMPTY],
  },
  "a line that is too long with an announcement as long as may be": {
    octets: `abc ${"x".repeat(80)} ~{00000000000000000009+}\r\nx NOOP\r\n\n\r\nc NOOP\r\n`,
    events: ["fault abc: Command line too long", 'frame "c NOOP" []', EMPTY],
  },
  "a line that gets too long within the announcement": {
    octets: `abc ${"x".repeat(53)} {9+}\r\nx NOOP\r\n\n\r\nc NOOP\r\n`,
    events: ["fault abc: Command line too long", 'frame "c NOOP" []', EMPTY],
  },
  "a command that gets too long behind a literal": {
    octets: `abc ${"x".repeat(40)} {1+}\r\nq${"x".repeat(20)} {5}\r\nc NOOP\r\n`,
    events: [
      `literal "abc ${"x".repeat(40)} {1+}" [45-49 1+ null]`,
      "decided",
      "fault abc: Command line too long",
      'frame "c NOOP" []',
      EMPTY,
    ],
  },
  "NUL in a line": {
    octets: "a NO\0OP {3+}\r\n\0\r\n\r\nb NOOP\r\n",
    events: ["fault a: NUL in command", 'frame "b NOOP" []', EMPTY],
  },
  "braces that announce nothing": {
    octets: "a {3} b\r\na {}\r\na {-1}\r\na {3+\r\na {3 }\r\n",
    events: [
      'frame "a {3} b" []',
      'frame "a {}" []',
      'frame "a {-1}" []',
      'frame "a {3+" []',
      'frame "a {3 }" []',
      EMPTY,
    ],
  },
  "an announced size beyond all numbers": {
    octets: "a L {99999999999999999999}\r\nb NOOP\r\n",
    events: [
      'literal "a L {99999999999999999999}" [4-26 100000000000000000000 null]',
      "refused: Literal too large at 5",
      'frame "b NOOP" []',
      EMPTY,
    ],
  },
};
CASES["all of it in one go"] = joined(Object.values(CASES));

function joined(cases: readonly Case[]): Case {
  return {
    octets: cases.map(({ octets }) => octets).join(""),
    events: [...cases.flatMap(({ events }) => events.slice(0, -1)), EMPTY],
  };
}

describe("Framer", () => {
  describe.each(Object.entries(CASES))("%s", (_, { octets, events }) => {
    const bytes = Buffer.from(octets, "latin1");

    it("gives its events", () => {
      expect(run([bytes])).toEqual(events);
    });

    it("gives the same events at every split", () => {
      for (let at = 0; at <= bytes.length; at++) {
        expect([at, ...run([bytes.subarray(0, at), bytes.subarray(at)])]).toEqual([at, ...events]);
      }
      expect(run(Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))).toEqual(events);
    });
  });

  const SHORT = Object.entries(CASES).filter(([, { octets }]) => octets.length <= 80);
  it.each(SHORT)("gives the same events at every pair of splits: %s", (_, { octets, events }) => {
    const bytes = Buffer.from(octets, "latin1");
    for (let from = 0; from <= bytes.length; from++) {
      for (let to = from; to <= bytes.length; to++) {
        const pieces = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
        expect([from, to, ...run(pieces)]).toEqual([from, to, ...events]);
      }
    }
  });

  it("gives the same events for any octets in any pieces", () => {
    const token = fc.constantFrom(
      "{2}",
      "{0+}",
      "{3+}",
      "~{9+}",
      "\r\n",
      "\n",
      "\r",
      "\0",
      "a ",
      "APPEND",
      "REFUSE",
      "{",
    );
    const octets = fc.array(fc.oneof(token, fc.string({ maxLength: 8 })), { maxLength: 40 });
    const property = fc.property(octets, fc.array(fc.nat(200), { maxLength: 10 }), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""), "latin1");
      const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
      const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
      const untilHeld = (log: string[]): string[] => log.slice(0, -1);
      expect(untilHeld(run(pieces))).toEqual(untilHeld(run([bytes])));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("streams 50 MB without holding or copying any of it", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    const chunk = Buffer.alloc(65536, "x");
    const octets = 50 * 1024 * 1024;
    framer.push(Buffer.from(`a APPEND INBOX {${octets}}\r\n`));
    expect(framer.next()?.type).toBe("literal");
    framer.stream();
    let streamed = 0;
    for (let sent = 0; sent < octets; sent += chunk.length) {
      framer.push(chunk);
      const event = framer.next();
      if (event?.type !== "chunk") throw new Error("expected a chunk");
      expect(event.bytes.buffer).toBe(chunk.buffer);
      streamed += event.bytes.length;
      expect(event.last).toBe(streamed === octets);
      expect(framer.heldBytes + framer.pendingBytes).toBeLessThan(100);
    }
    framer.push(Buffer.from("\r\n"));
    expect(framer.next()).toMatchObject({ type: "frame", frame: { text: `a APPEND INBOX {${octets}}` } });
  });

  it("keeps pushed bytes until they are asked for, so that the socket can be paused", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    framer.push(Buffer.from("a APPEND b {4+}\r\nab"));
    framer.push(Buffer.from("cd\r\nb NOOP\r\n"));
    expect(framer.next()?.type).toBe("literal");
    expect(framer.next()).toBeUndefined();
    expect(framer.pendingBytes).toBe("abcd\r\nb NOOP\r\n".length);
    framer.stream();
    expect(framer.next()).toMatchObject({ type: "chunk", last: false });
    expect(framer.pendingBytes).toBe("cd\r\nb NOOP\r\n".length);
  });

  it("drops what is refused in the middle of a stream, and goes on behind it", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    framer.push(Buffer.from("a APPEND b {10}\r\n"));
    framer.next();
    framer.stream();
    framer.push(Buffer.from("abc"));
    expect(framer.next()).toMatchObject({ type: "chunk", last: false });
    framer.refuse();
    framer.push(Buffer.from("\r\nx N\r\n () {3+}\r\n\r\n\r\r\nb NOOP\r\n"));
    expect(framer.next()).toMatchObject({ type: "frame", frame: { text: "b NOOP" } });
    expect(framer.heldBytes).toBe(0);
  });

  it("forgets on demand what was sent too early", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    framer.push(Buffer.from("a STARTTLS\r\nb NOOP\r\nc NO"));
    expect(framer.next()).toMatchObject({ type: "frame", frame: { text: "a STARTTLS" } });
    framer.discardPending();
    framer.push(Buffer.from("d NOOP\r\n"));
    expect(framer.next()).toMatchObject({ type: "frame", frame: { text: "d NOOP" } });
  });

  it("bounds what an endless line or a far announcement can make it hold", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    const faults: string[] = [];
    let heldMax = 0;
    for (let i = 0; i < 200_000; i++) {
      framer.push(Buffer.from("x y"));
      const event = framer.next();
      if (event !== undefined) faults.push(event.type);
      heldMax = Math.max(heldMax, framer.heldBytes);
    }
    expect(faults).toEqual(["fault"]);
    expect(heldMax).toBeLessThanOrEqual(2 * DEFAULT_WIRE_LIMITS.lineBytesMax);
    expect(framer.heldBytes).toBeLessThanOrEqual(32);
    framer.push(Buffer.from("\r\na L {99999999}\r\n"));
    expect(framer.next()?.type).toBe("literal");
    expect(() => framer.keep()).toThrow(SyntaxFault);
    expect(framer.heldBytes).toBe(0);
  });

  it("does not take a decision where none is asked for", () => {
    const framer = new Framer(DEFAULT_WIRE_LIMITS);
    for (const decision of ["keep", "stream", "refuse"] as const) expect(() => framer[decision]()).toThrow("decision");
  });
});
