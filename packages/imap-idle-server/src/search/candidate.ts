// A message that a search has not decided on, as far as it is known: each source that is asked adds to it.
import type { Cursor, FlagSet, MessageMetadata, MessageSummary, Uid } from "@pushmail/mailstore";
import type { SoughtText } from "./sought-text.ts";

/** Undefined: it depends on what is not known yet. */
export type Truth = boolean | undefined;

export interface Candidate {
  readonly uid: Uid;
  readonly flags: FlagSet;
  readonly isRecent: boolean;
  readonly modSeq: Cursor;
  readonly metadata: MessageMetadata | undefined;
  readonly summary: MessageSummary | undefined;
  /** For each needle of the search, whether the octets of the message have it. */
  readonly found: readonly Truth[];
  /** A bit for each text of the search that the message does not have, as far as an index tells. */
  readonly ruledOut: number;
}

/** A text that is looked for in the octets of a message. */
export interface Needle {
  /** In the fields of one name in its header, in its body, or in all of it. */
  readonly in: "field" | "body" | "message";
  /** In lower case; empty unless it is about fields. */
  readonly field: string;
  /** As it is found in headers, and as it is found in bodies. An empty text is in every field. */
  readonly inHeader: SoughtText;
  readonly inBody: SoughtText;
}
