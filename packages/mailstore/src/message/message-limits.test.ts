import { Session } from "node:inspector";
import { setFlagsFromString } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeSummary } from "./encode-summary.ts";
import { LineBuffer } from "./line-buffer.ts";
import { MESSAGE_LIMITS, type MessageLimits } from "./limits.ts";
import { MessageScanner, scanMessage } from "./scan-message.ts";
import type { BodyPart, MessageSummary } from "./summary.ts";

/** Messages of about so many bytes that ask for more work, or more memory, than they deserve. */
const HOSTILE: Readonly<Record<string, (bytes: number) => Buffer>> = {
  "nested multiparts": nestedMultiparts,
  "nested messages": (bytes) => repeated("Content-Type: message/rfc822\r\n\r\n", bytes),
  "many parts": (bytes) => multipart("--b\r\n\r\nx\r\n", bytes),
  "parts without end": (bytes) => multipart("--b\r\nContent-Description: so many\r\n", bytes),
  "almost boundary lines": (bytes) => multipart("--bb\r\n--\r\n-\r\n", bytes),
  "a long almost boundary line": (bytes) =>
    Buffer.concat([multipart("--b", 3), Buffer.alloc(bytes, " "), Buffer.of(0)]),
  addresses: (bytes) => Buffer.concat([Buffer.from("To: "), repeated("a@b,", bytes)]),
  references: (bytes) => Buffer.concat([Buffer.from("References: "), repeated("<a@b>", bytes)]),
  "references that never end": (bytes) => Buffer.concat([Buffer.from("References: <"), repeated("@", bytes)]),
  "open references": (bytes) => Buffer.concat([Buffer.from("References: "), repeated("<a@<", bytes)]),
  "address fields": (bytes) => repeated("To: a@b\r\n", bytes),
  "folded addresses": (bytes) => Buffer.concat([Buffer.from("To: "), repeated("\r\n <@a,@b:c@d>", bytes)]),
  "open comments": (bytes) => Buffer.concat([Buffer.from("To: "), repeated("(a \\", bytes)]),
  "open brackets": (bytes) => Buffer.concat([Buffer.from("To: "), repeated("[<,", bytes)]),
  "a long line": (bytes) => Buffer.alloc(bytes, "x"),
  "a long field": (bytes) => Buffer.concat([Buffer.from("Subject: "), Buffer.alloc(bytes, "x")]),
  "many fields": (bytes) => repeated("Subject: x\r\nX: y\r\n", bytes),
  parameters: (bytes) => Buffer.concat([Buffer.from("Content-Type: text/plain"), repeated("; (c) a*0=b", bytes)]),
  "blank lines": (bytes) => Buffer.alloc(bytes, "\n"),
  NULs: (bytes) => Buffer.alloc(bytes),
  "lone CRs": (bytes) => multipart("\r\r--b\r", bytes),
  dashes: (bytes) => multipart("-\n", bytes),
};

function repeated(text: string, bytes: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes / text.length) * text.length, text);
}

function multipart(content: string, bytes: number): Buffer {
  return Buffer.concat([Buffer.from("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), repeated(content, bytes)]);
}

function nestedMultiparts(bytes: number): Buffer {
  const open = (_: unknown, i: number): string => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`;
  return Buffer.from(Array.from({ length: Math.ceil(bytes / 60) }, open).join(""));
}

const limits = (lowered: Partial<MessageLimits>): MessageLimits => ({ ...MESSAGE_LIMITS, ...lowered });
const crlf = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"), "latin1");

/** What is wrong with a summary, whatever the message; nothing should be. */
function faultsOf({ sizeBytes, references, envelope, structure }: MessageSummary, kept: MessageLimits): string[] {
  const faults: string[] = [];
  let parts = 0;
  const visit = (part: BodyPart, within: { start: number; end: number }, depth: number): void => {
    parts++;
    const { headerStart, bodyStart, bodyEnd } = part;
    const type = `${part.type}/${part.subtype}`.toLowerCase();
    const isOrdered = within.start <= headerStart && headerStart <= bodyStart && bodyStart <= bodyEnd;
    if (!isOrdered || bodyEnd > within.end) faults.push(`${type} lies at ${headerStart}, ${bodyStart}, ${bodyEnd}`);
    if (part.parts.length > 0 !== type.startsWith("multipart/")) faults.push(`${type} has ${part.parts.length} parts`);
    if ((part.message !== null) !== /^message\/(rfc822|global)$/.test(type)) faults.push(`${type} and its message`);
    if (depth > kept.depthMax) faults.push(`depth ${depth}`);
    let start = bodyStart;
    for (const child of part.message === null ? part.parts : [part.message.structure]) {
      visit(child, { start, end: bodyEnd }, depth + 1);
      start = child.bodyEnd;
    }
  };
  visit(structure, { start: 0, end: sizeBytes }, 0);
  if (structure.bodyEnd !== sizeBytes) faults.push("the body ends before the message");
  if (parts > kept.partsMax + 1) faults.push(`${parts} parts`);
  if (references.length > kept.referencesMax) faults.push(`${references.length} references`);
  if (/[^\0-\xff]/.test(JSON.stringify([references, envelope, structure]))) faults.push("a character is no byte");
  return faults;
}

describe("hostile messages", () => {
  it.each(Object.entries(HOSTILE))("%s have a sound and small summary", (_, make) => {
    const bytes = make(2_000_000);
    const summary = scanMessage(bytes);
    expect(summary.sizeBytes).toBe(bytes.length);
    expect(faultsOf(summary, MESSAGE_LIMITS)).toEqual([]);
    expect(encodeSummary(summary).length).toBeLessThan(100_000);
  });

  it("have a sound summary in any mixture, with any limits", () => {
    const anyBytes = fc.oneof(
      fc.constantFrom(...Object.values(HOSTILE)).map((make) => make(80)),
      fc.uint8Array({ maxLength: 80 }),
    );
    const lowered = limits({
      fieldBytesMax: 24,
      fieldBytesTotalMax: 100,
      depthMax: 3,
      partsMax: 6,
      addressesMax: 1,
      referencesMax: 1,
    });
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 10 }), (pieces) => {
        const bytes = Buffer.concat(pieces);
        for (const kept of [MESSAGE_LIMITS, lowered]) expect(faultsOf(scanMessage(bytes, kept), kept)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("beyond a limit", () => {
  const parts = (count: number): string =>
    Array.from({ length: count }, (_, i) => `--b\nContent-Type: text/x-${i}\n\n${i}\n`).join("");
  const message = crlf(`Content-Type: multipart/mixed; boundary=b\n\n${parts(5)}--b--\nepilogue\n`);
  const shown = ({ structure }: MessageSummary): string[] =>
    structure.parts.map((part) => `${part.subtype} ${message.toString("latin1", part.bodyStart, part.bodyEnd)}`);

  it("of parts, the last one takes the rest as it is", () => {
    expect(shown(scanMessage(message, limits({ partsMax: 6 })))).toEqual([0, 1, 2, 3, 4].map((i) => `x-${i} ${i}`));
    const rest = message.toString("latin1", message.indexOf("Content-Type: text/x-2"));
    expect(shown(scanMessage(message, limits({ partsMax: 3 })))).toEqual(["x-0 0", "x-1 1", `octet-stream ${rest}`]);
  });

  it("of all fields, it does so too", () => {
    const summary = scanMessage(message, limits({ fieldBytesTotalMax: 46 }));
    expect(shown(summary).map((part) => part.slice(0, 12))).toEqual(["x-0 0", "x-1 1", "octet-stream"]);
  });

  it("of all fields, those of one header do not go beyond it either", () => {
    const names = "Subject Date From To Cc Bcc In-Reply-To Message-ID Content-ID Content-Description Content-Location";
    const fields = names.split(" ").map((name) => `${name}: ${"x".repeat(65_000)}\n`);
    const summary = scanMessage(crlf(`${fields.join("")}\n`), limits({ addressesMax: 0 }));
    const { subject, messageId } = summary.envelope;
    const { id, description, location } = summary.structure;
    const kept = [subject, messageId, id, description, location].map((value) => value?.length);
    expect(kept).toEqual([65_000, 65_000, 524_288 - 8 * 65_001 - 1, undefined, undefined]);
  });

  it("of depth, a part is not looked into but ends where it should", () => {
    const outer = crlf(
      "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i; name=n\n\n" +
        "--i\n\ninner\n--i--\n--o\nContent-Type: message/rfc822\n\nSubject: s\n\n--o--\n",
    );
    const { structure } = scanMessage(outer, limits({ depthMax: 1 }));
    expect(structure.parts.map(({ type, subtype }) => `${type}/${subtype}`)).toEqual([
      "application/octet-stream",
      "application/octet-stream",
    ]);
    const [multi, embedded] = structure.parts as [BodyPart, BodyPart];
    expect(multi.parameters).toContainEqual(["name", "n"]);
    expect(outer.toString("latin1", multi.bodyStart, multi.bodyEnd)).toBe("--i\r\n\r\ninner\r\n--i--");
    expect(outer.toString("latin1", embedded.bodyStart, embedded.bodyEnd)).toBe("Subject: s\r\n");
  });

  it("of a field, its beginning counts", () => {
    const kept = limits({ fieldBytesMax: 30, addressesMax: 2, parametersMax: 2 });
    const { envelope, structure } = scanMessage(
      crlf(
        `Subject: ${"s".repeat(40)}\nTo: a@b, c@d, e@f\nCc: a@b\n ,${" ".repeat(40)}c@d\n` +
          `Message-ID: 1234567890\n 1234567890\n 1234567890\n` +
          "Content-Type: text/x;a=1;b=2;c=3\nContent-Language: a, b, c\n\n",
      ),
      kept,
    );
    expect(envelope.subject).toBe("s".repeat(21));
    expect(envelope.to.map(({ mailbox }) => mailbox)).toEqual(["a", "c"]);
    expect(envelope.cc.map(({ mailbox }) => mailbox)).toEqual(["a"]);
    expect(envelope.messageId).toBe("1234567890 1234567890 1234567");
    expect(structure).toMatchObject({
      subtype: "x",
      parameters: [
        ["a", "1"],
        ["b", "2"],
      ],
      language: ["a", "b"],
    });
  });

  it("of a line, its beginning is kept", () => {
    const line = new LineBuffer(10);
    for (const piece of ["abc", "", "defgh", "ijkl", "mn"]) line.append(Buffer.from(`<${piece}>`), 1, piece.length + 1);
    expect(line.take().toString()).toBe("abcdefghij");
    expect(line.isEmpty).toBe(true);
  });
});

/** Counts how often each block of the code under test runs, and the bytes that native searches and copies go over. */
class WorkMeter {
  readonly #inspector = new Session();
  readonly #natives = {
    indexOf: Buffer.prototype.indexOf,
    toString: Buffer.prototype.toString,
    copy: Buffer.prototype.copy,
  };
  #nativeBytes = 0;

  start(): void {
    const count = (bytes: number): void => {
      this.#nativeBytes += bytes;
    };
    const { indexOf, toString, copy } = this.#natives;
    Object.assign(Buffer.prototype, {
      indexOf(this: Buffer, value: number | Buffer, from: number): number {
        const index = indexOf.call(this, value, from);
        count((index < 0 ? this.length : index) - from);
        return index;
      },
      toString(this: Buffer, encoding: BufferEncoding, start = 0, end = this.length): string {
        count(end - start);
        return toString.call(this, encoding, start, end);
      },
      copy(this: Buffer, ...args: [target: Buffer, targetStart: number, start: number, end: number]): number {
        count(args[3] - args[2]);
        return copy.apply(this, args);
      },
    });
    // Optimized code does not count.
    for (const flag of ["--no-opt", "--no-maglev"]) setFlagsFromString(flag);
    this.#inspector.connect();
    this.#inspector.post("Profiler.enable");
    this.#inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#inspector.disconnect();
    setFlagsFromString("--opt");
    Object.assign(Buffer.prototype, this.#natives);
  }

  measure(run: () => void): number {
    this.#nativeBytes = 0;
    this.#take();
    run();
    return this.#take() + this.#nativeBytes;
  }

  /** The count since it was last taken. */
  #take(): number {
    let blocks = 0;
    this.#inspector.post("Profiler.takePreciseCoverage", (_, { result }) => {
      for (const { url, functions } of result) {
        if (!url.includes("/src/message/") || url.endsWith(".test.ts")) continue;
        for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
      }
    });
    return blocks;
  }
}

describe("twice the bytes", () => {
  const meter = new WorkMeter();
  beforeAll(() => meter.start());
  afterAll(() => meter.stop());

  /** No limit that makes anything linear. */
  const unlimited: MessageLimits = {
    fieldBytesMax: 1e9,
    fieldBytesTotalMax: 1e9,
    addressesMax: 1e9,
    referencesMax: 1e9,
    parametersMax: 1e9,
    depthMax: 1e9,
    partsMax: 1e9,
    previewOctetsMax: 65_536,
    previewCharsMax: 1e9,
  };

  function workOf(message: Buffer): number {
    return meter.measure(() => {
      for (const pieceBytes of [7, message.length]) {
        const scanner = new MessageScanner(unlimited);
        for (let at = 0; at < message.length; at += pieceBytes) scanner.push(message.subarray(at, at + pieceBytes));
        scanner.finish();
      }
    });
  }

  it.each(Object.entries(HOSTILE))("of %s cost twice the work, not four times", (_, make) => {
    const single = workOf(make(10_000));
    const double = workOf(make(20_000));
    expect(single).toBeGreaterThan(10_000);
    expect(double / single).toBeLessThan(2.2);
  });
});
