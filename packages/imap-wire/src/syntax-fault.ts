/** The client broke the grammar: the answer is BAD. `message` is one line that may be shown to the client. */
export class SyntaxFault extends Error {
  /** Where in the command's text, counted from 1; null where no single place is wrong. */
  readonly column: number | null;

  constructor(message: string, column: number | null = null) {
    super(message);
    this.name = "SyntaxFault";
    this.column = column;
  }
}
