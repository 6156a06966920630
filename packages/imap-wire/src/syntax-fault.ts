import type { ResponseCode } from "./response-code.ts";

/** The client broke the grammar: the answer is BAD. `message` is one line that may be shown to the client. */
export class SyntaxFault extends Error {
  /** Where in the command's text, counted from 1; null where no single place is wrong. */
  readonly column: number | null;

  /** What the answer tells a program. */
  readonly code: ResponseCode | undefined;

  constructor(message: string, column: number | null = null, code?: ResponseCode) {
    super(message);
    this.name = "SyntaxFault";
    this.column = column;
    this.code = code;
  }
}
