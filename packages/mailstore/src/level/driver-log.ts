// Where the driver says what it did; the shape of a pino logger.

export interface DriverLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Says nothing. */
export const SILENT: DriverLog = { info: () => undefined, warn: () => undefined };
