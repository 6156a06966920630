import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isMultipart, printBody, printBodyStructure, printEnvelope } from "@pushmail/imap-wire";
import { decodeSummary, encodeSummary } from "./encode-summary.ts";
import { scanMessage } from "./scan-message.ts";
import type { StoredSummary } from "./stored-summary.ts";
import type { BodyPart, EmbeddedMessage, Envelope, EnvelopeAddress, MessageSummary, Parameter } from "./summary.ts";

const latin1 = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const nullable = fc.option(latin1);
const parameters: fc.Arbitrary<Parameter[]> = fc.array(fc.tuple(latin1, latin1), { maxLength: 3 });
const addresses: fc.Arbitrary<EnvelopeAddress[]> = fc.array(
  fc.record({ name: nullable, mailbox: nullable, host: nullable }),
  { maxLength: 3 },
);
const envelope: fc.Arbitrary<Envelope> = fc
  .record({
    date: nullable,
    subject: nullable,
    from: addresses,
    sender: fc.option(addresses),
    replyTo: fc.option(addresses),
    to: addresses,
    cc: addresses,
    bcc: addresses,
    inReplyTo: nullable,
    messageId: nullable,
  })
  .map(({ sender, replyTo, ...rest }) => ({ ...rest, sender: sender ?? rest.from, replyTo: replyTo ?? rest.from }));

const distance = fc.oneof(fc.nat(300), fc.nat(2 ** 40));

/** A part whose header begins somewhere behind `origin`. */
function anyPart(origin: number, depth: number): fc.Arbitrary<BodyPart> {
  return fc.tuple(distance, distance, distance).chain(([before, header, body]) => {
    const bodyStart = origin + before + header;
    const isLeaf = depth === 0;
    const message: fc.Arbitrary<EmbeddedMessage> = fc.record({
      envelope,
      structure: anyPart(bodyStart, isLeaf ? 0 : depth - 1),
    });
    return fc.record({
      type: fc.oneof(latin1, fc.constantFrom("text", "Multipart", "message", "TEXT", "multipart")),
      subtype: fc.oneof(latin1, fc.constantFrom("rfc822", "Global", "mixed")),
      parameters,
      id: nullable,
      description: nullable,
      encoding: latin1,
      md5: nullable,
      disposition: fc.option(fc.record({ type: latin1, parameters })),
      language: fc.option(fc.array(latin1, { maxLength: 3 })),
      location: nullable,
      headerStart: fc.constant(origin + before),
      bodyStart: fc.constant(bodyStart),
      bodyEnd: fc.constant(bodyStart + body),
      lines: distance,
      parts: isLeaf ? fc.constant([]) : fc.array(anyPart(bodyStart, depth - 1), { maxLength: 3 }),
      message: isLeaf ? fc.constant(null) : fc.option(message),
    });
  });
}

const anySummary: fc.Arbitrary<MessageSummary> = fc.record({
  sizeBytes: fc.nat(Number.MAX_SAFE_INTEGER),
  references: fc.array(
    latin1.map((id) => `@${id.replaceAll(" ", "")}`),
    { maxLength: 3 },
  ),
  isInternationalized: fc.boolean(),
  preview: fc.option(latin1, { nil: undefined }),
  envelope,
  structure: anyPart(0, 1),
});

/** Where the parts lie, in order; only those that are told. */
function placesOf(part: BodyPart): unknown {
  const { headerStart, bodyStart, bodyEnd, lines, message } = part;
  const children = isMultipart(part) ? part.parts : message === null ? [] : [message.structure];
  return [headerStart, bodyStart, bodyEnd, lines, children.map(placesOf)];
}

function shown(summary: MessageSummary): unknown {
  const { sizeBytes, references, isInternationalized, preview, envelope, structure } = summary;
  const printed = [printEnvelope(envelope), printBodyStructure(structure), printBody(structure)];
  return { sizeBytes, references, isInternationalized, preview, printed, places: placesOf(structure) };
}

/** The fields of an envelope, asked for from the last to the first. */
function readAll(envelope: Envelope): Envelope {
  const { messageId, inReplyTo, bcc, cc, to, replyTo, sender, from, subject, date } = envelope;
  return { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId };
}

function stored(summary: MessageSummary): StoredSummary {
  return decodeSummary(encodeSummary(summary)) as StoredSummary;
}

function outcomeOf(read: () => unknown): string {
  try {
    read();
    return "read";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("an encoded summary", () => {
  it("is told as what was encoded, and lies where that lay", () => {
    fc.assert(
      fc.property(anySummary, (summary) => {
        const decoded = stored(summary);
        expect(shown(decoded)).toEqual(shown(summary));
        expect(decoded.printedEnvelope).toBe(printEnvelope(summary.envelope));
        expect(decoded.printedStructure).toBe(printBodyStructure(summary.structure));
      }),
      { numRuns: 200 },
    );
  });

  it("keeps all that the scan finds of parts and messages", () => {
    const message =
      'From: "A \\"B\\" \\\\" <a@b>\nSender: s@t\nSubject: \xe9\nReferences: <1@a> <2@b>\n' +
      "Content-Type: multipart/mixed; boundary=x\n\n--x\n" +
      "Content-Disposition: inline; filename=f\nContent-Language: en\n\none\n--x\nContent-Type: message/rfc822\n" +
      "Content-ID: <i>\nContent-Language: en, de\n\nDate: d\n\ntwo\n--x--\n";
    const summary = scanMessage(Buffer.from(message.replaceAll("\n", "\r\n"), "latin1"));
    const { sizeBytes, references, isInternationalized, preview, envelope, structure } = stored(summary);
    const told = { sizeBytes, references, isInternationalized, preview, envelope: readAll(envelope), structure };
    expect(told).toEqual(summary);
  });

  it("is decoded from any part of any memory", () => {
    const encoded = encodeSummary(scanMessage(Buffer.from("From: a@b\r\n\r\nx")));
    const around = new Uint8Array(encoded.length + 20).fill(0xff);
    around.set(encoded, 7);
    const decoded = decodeSummary(around.subarray(7, 7 + encoded.length));
    expect(decoded?.envelope.from).toEqual([{ name: null, mailbox: "a", host: "b" }]);
  });

  it("takes a few hundred bytes", () => {
    const message = Buffer.from(
      "From: Alice Example <alice@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: Quarterly figures\r\n" +
        "Date: Sun, 22 Nov 2026 23:29:13 +0000\r\nMessage-ID: <e6e1f463-7096-65ab-26f4-184cddf7a0c8@example.net>\r\n" +
        "Content-Type: text/plain; charset=utf-8\r\n\r\ntext\r\n",
    );
    expect(encodeSummary(scanMessage(message)).length).toBeLessThan(400);
  });

  it("may be of a version that did not say whether the message is internationalized, and had no preview", () => {
    const summary = scanMessage(Buffer.from("From: a@b\r\nSubject: s\r\n\r\nx"));
    const encoded = Buffer.from(encodeSummary({ ...summary, preview: undefined }));
    const headEnd = 2 + 4;
    // Of small numbers each is one byte, and the second says how many there are.
    const older = Buffer.concat([
      Buffer.of(3, (encoded[1] as number) - 2),
      encoded.subarray(2, headEnd),
      encoded.subarray(headEnd + 2),
    ]);
    const { isInternationalized, preview, envelope, structure } = decodeSummary(older) as StoredSummary;
    expect([isInternationalized, preview, envelope.subject, structure.bodyEnd]).toEqual([true, undefined, "s", 26]);
  });

  it("is left alone where another version wrote it", () => {
    const encoded = encodeSummary(scanMessage(Buffer.from("From: a@b\r\n\r\nx")));
    expect(decodeSummary(new Uint8Array(0))).toBeUndefined();
    expect(decodeSummary(Uint8Array.from(encoded, (byte, i) => (i === 0 ? 1 : byte)))).toBeUndefined();
  });

  it("is refused where it is damaged", () => {
    const encoded = encodeSummary(scanMessage(Buffer.from("From: a@b\r\nSubject: s\r\n\r\nx")));
    for (let length = 1; length < encoded.length; length++) {
      expect(() => decodeSummary(encoded.subarray(0, length))?.printedEnvelope).toThrow("damaged");
    }
    expect(() => decodeSummary(Buffer.concat([encoded, Buffer.of(0)]))?.structure).toThrow("damaged");
    for (let at = 1; at < encoded.length; at++) {
      const wrong = Uint8Array.from(encoded, (byte, i) => (i === at ? byte ^ 0x10 : byte));
      expect(["read", "damaged message summary"]).toContain(
        outcomeOf(() => shown(decodeSummary(wrong) as StoredSummary)),
      );
    }
  });
});
