// Every bound of the grammar, by name. Beyond one of them the answer is a SyntaxFault, never more memory or time.

export interface WireLimits {
  /** Text of one command: its lines together, without its literals. */
  readonly lineBytesMax: number;
  /** Literals of one command, kept or streamed. */
  readonly literalsMax: number;
  /** Literals of one command that are kept in memory, together. */
  readonly literalBytesMax: number;
  /** How deep AND, OR and NOT may nest in one SEARCH. */
  readonly searchDepthMax: number;
  readonly searchKeysMax: number;
  readonly fetchItemsMax: number;
  /** A LIST pattern with its reference: matching costs its length times that of the name. */
  readonly listPatternCharsMax: number;
}

export const DEFAULT_WIRE_LIMITS: WireLimits = {
  lineBytesMax: 64 * 1024,
  literalsMax: 100,
  literalBytesMax: 64 * 1024,
  searchDepthMax: 250,
  searchKeysMax: 1000,
  fetchItemsMax: 100,
  listPatternCharsMax: 1000,
};
