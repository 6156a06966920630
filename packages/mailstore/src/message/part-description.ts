// What a part's header says about its body: the fields of BODYSTRUCTURE that need no counting (RFC 9051 7.5.2).
import { trimBlanks } from "./characters.ts";
import type { CollectedFields } from "./header-collector.ts";
import type { MessageLimits } from "./limits.ts";
import { findParameter, parseDisposition, parseLanguages, parseMediaType, parseToken } from "./parameterized-value.ts";
import type { MediaType } from "./parameterized-value.ts";
import type { BodyPart } from "./summary.ts";

/** A part without its place, its lines and what it holds. */
export type PartDescription = Omit<BodyPart, "headerStart" | "bodyStart" | "bodyEnd" | "lines" | "parts" | "message">;

/** RFC 2045 5.2: what a part is by default. */
export const PLAIN_TEXT: MediaType = { type: "text", subtype: "plain", parameters: [["charset", "us-ascii"]] };
/** RFC 2046 5.1.5: what a part of a multipart/digest is by default. */
export const MESSAGE: MediaType = { type: "message", subtype: "rfc822", parameters: [] };
/** RFC 2046 4.5.1: bytes of which nothing is known. */
export const OPAQUE: MediaType = { type: "application", subtype: "octet-stream", parameters: [] };

/** Describes a part by its header; `byDefault` is its type where the header names none. */
export function describePart(
  fields: CollectedFields,
  byDefault: MediaType,
  { parametersMax }: MessageLimits,
): PartDescription {
  const contentType = fields["content-type"];
  const { type, subtype, parameters } =
    contentType === undefined ? byDefault : (parseMediaType(contentType, parametersMax) ?? PLAIN_TEXT);
  const disposition = fields["content-disposition"];
  const language = fields["content-language"];
  return {
    type,
    subtype,
    parameters,
    id: fields["content-id"] ?? null,
    description: fields["content-description"] ?? null,
    // RFC 2045 6.1
    encoding: parseToken(fields["content-transfer-encoding"] ?? "") || "7bit",
    md5: fields["content-md5"] ?? null,
    disposition: disposition === undefined ? null : parseDisposition(disposition, parametersMax),
    language: language === undefined ? null : parseLanguages(language, parametersMax),
    location: fields["content-location"] ?? null,
  };
}

/** The same part as bytes into which nobody looks; the parameters stay for the file name among them. */
export function asOpaque(part: PartDescription): PartDescription {
  return { ...part, type: OPAQUE.type, subtype: OPAQUE.subtype };
}

/** The same part as plain text, for a multipart whose parts cannot be told. */
export function asPlainText(part: PartDescription): PartDescription {
  return { ...part, ...PLAIN_TEXT };
}

export function isText(part: PartDescription): boolean {
  return part.type.toLowerCase() === "text";
}

export function isMultipart(part: PartDescription): boolean {
  return part.type.toLowerCase() === "multipart";
}

export function isDigest(part: PartDescription): boolean {
  return isMultipart(part) && part.subtype.toLowerCase() === "digest";
}

/** Whether a whole message stands in the part (RFC 2046 5.2.1, RFC 6532 3.7). */
export function isMessage(part: PartDescription): boolean {
  return part.type.toLowerCase() === "message" && ["rfc822", "global"].includes(part.subtype.toLowerCase());
}

/** Whether the body stands in the message as it is (RFC 2045 6.2). */
export function isIdentityEncoded(part: PartDescription): boolean {
  return ["7bit", "8bit", "binary"].includes(part.encoding.toLowerCase());
}

/** What parts the parts of a multipart (RFC 2046 5.1.1); null where it is missing. */
export function boundaryOf(part: PartDescription): string | null {
  const boundary = trimBlanks(findParameter(part.parameters, "boundary") ?? "");
  return boundary === "" ? null : boundary;
}
