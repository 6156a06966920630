// Everything that reads messages: their structure, found once, and what FETCH and SEARCH take out of their bytes.
export { charsetByMark } from "./charset.ts";
export { decodeBody } from "./decode-body.ts";
export { decodeHeaderValue } from "./decode-header-value.ts";
export { downgradeHeader } from "./downgrade-header.ts";
export { DowngradedSummary } from "./downgrade-summary.ts";
export { decodeSummary, encodeSummary } from "./encode-summary.ts";
export { type ByteRange, findPart, findSection, type SectionText } from "./find-section.ts";
export { type HeaderField, headerFields, pickFields } from "./header-fields.ts";
export { DECODE_LIMITS, type DecodeLimits, MESSAGE_LIMITS, type MessageLimits } from "./limits.ts";
export { makePreview, previewedPart } from "./make-preview.ts";
export { messageIds } from "./message-ids.ts";
export { findParameter } from "./parameterized-value.ts";
export { MessageScanner, scanMessage } from "./scan-message.ts";
export { glanceAtStructure, StoredSummary } from "./stored-summary.ts";
export type * from "./summary.ts";
export { decodeTransferEncoding } from "./transfer-encoding.ts";
export { unicodeCasemap } from "./unicode-casemap.ts";
