// A message that a search has not decided on, as far as it is known: each source that is asked adds to it.
import type { Cursor, FlagSet, MessageMetadata, MessageSummary, Uid } from "@pushmail/mailstore";

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
}

/** A text, folded, that is looked for in the octets of a message. */
export type Needle =
  /** In the fields of this name in its header; an empty text asks whether there is one. */
  | { readonly in: "field"; readonly field: string; readonly text: string }
  | { readonly in: "body" | "message"; readonly text: string };
