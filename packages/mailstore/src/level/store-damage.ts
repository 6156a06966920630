// Bytes on disk that are not what was written: never passed on, never skipped over in silence.

/** Names the file and the offset where the store is damaged. */
export class StoreDamage extends Error {
  readonly code = "STORE_DAMAGED";
  readonly file: string;
  readonly offset: number;

  constructor(what: string, file: string, offset: number) {
    super(`${what}: ${file} at offset ${offset}`);
    this.name = "StoreDamage";
    this.file = file;
    this.offset = offset;
  }
}
