// What the server needs of a logger; pino fits.

export interface Log {
  /** Every command of a client that is logged in. */
  trace?(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
