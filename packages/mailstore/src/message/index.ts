// Everything that reads messages: their structure, found once, and what SEARCH and FETCH take out of their bytes.
export { decodeSummary, encodeSummary } from "./encode-summary.ts";
export { MESSAGE_LIMITS, type MessageLimits } from "./limits.ts";
export { MessageScanner, scanMessage } from "./scan-message.ts";
export type * from "./summary.ts";
