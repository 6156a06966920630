// What a framer makes of bytes: commands with their literals, and what must be decided on the way.
import type { SyntaxFault } from "./syntax-fault.ts";

/** A literal in a command's text. */
export interface Literal {
  /** Where its announcement, `{n}`, begins and ends in the text. */
  readonly start: number;
  readonly end: number;
  readonly octets: number;
  /** Whether the client waits for `+` before it sends the octets (RFC 7888 4). */
  readonly synchronizing: boolean;
  /** A literal8, `~{n}`, which may hold NUL (RFC 3516 4.4). */
  readonly binary: boolean;
  /** The octets; null where they are not in memory: not yet decided on, or streamed. */
  readonly bytes: Buffer | null;
}

/** A command, or any other line of the client. */
export interface Frame {
  /** The lines as latin1 without their ends, joined where a literal stood behind its announcement. */
  readonly text: string;
  readonly literals: readonly Literal[];
}

export type FrameEvent =
  /** A whole command. */
  | { readonly type: "frame"; readonly frame: Frame }
  /** A literal is announced, the last of `frame.literals`: call `keep`, `stream` or `refuse`; until then nothing comes. */
  | { readonly type: "literal"; readonly literal: Literal; readonly frame: Frame }
  /** Octets of a streamed literal: a view of the pushed chunk. An empty literal is one empty chunk. */
  | { readonly type: "chunk"; readonly bytes: Buffer; readonly last: boolean }
  /** A command that cannot be framed; what remains of it is skipped. */
  | { readonly type: "fault"; readonly fault: SyntaxFault; readonly tag: string | null };
