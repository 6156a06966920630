// Bytes on disk that are not what was written: never passed on, never skipped over in silence.

/** Names the file and the offset where the store is damaged. */
export class StoreDamage extends Error {
  readonly code = "STORE_DAMAGED";
  readonly what: string;
  readonly file: string;
  readonly offset: number;

  constructor(what: string, file: string, offset: number, options?: ErrorOptions) {
    super(`${what}: ${file} at offset ${offset}`, options);
    this.name = "StoreDamage";
    this.what = what;
    this.file = file;
    this.offset = offset;
  }
}
