// The messages that one record brings into a mailbox, as bytes: a row each. Of very many the bytes are all that is there: a row
// is made when it is asked for.
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { Uid } from "./ids.ts";

/** A message as it enters a mailbox; its UID is the part's first UID plus its position. */
export interface AppendedRow {
  readonly flags: readonly string[];
  readonly internalDateMs: number;
  readonly sizeBytes: number;
  /** Where the message first entered the account; null: here and now. */
  readonly origin: MessageOrigin | null;
  /** A position in the transaction's blobs, or a blob that was stored before. */
  readonly body: { readonly staged: number } | { readonly blob: number };
  /** The encoded MessageSummary; null where it can be had by scanning the body again. */
  readonly summary: Uint8Array | null;
}

/** The first mailbox and UID of a message in its account: the source of its email id. */
export interface MessageOrigin {
  readonly mailbox: number;
  readonly uid: Uid;
}

/** In the order of their UIDs. */
export type AppendedRows = readonly AppendedRow[] | EncodedRows | PackedRows;

/** More rows than these are not decoded until they are asked for. */
const DECODED_ROWS_MAX = 1_000;

/** Of so many packed rows one has its place noted: what is passed by to find a row. */
const ROWS_PER_PLACE = 64;

/** Rows that are encoded as they come, so that very many need not be there at once. */
export class EncodedRows implements Iterable<AppendedRow> {
  readonly #writer = new ByteWriter();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#writer.finish();
  }

  add(row: AppendedRow): void {
    writeRow(this.#writer, row);
    this.#length++;
  }

  [Symbol.iterator](): Iterator<AppendedRow> {
    return eachRow(new ByteReader(this.bytes), this.length);
  }
}

/** Very many rows as they stand in a record. Their flags alone are known from the start. */
export class PackedRows implements Iterable<AppendedRow> {
  readonly length: number;
  /** Each set of flags that there is, and by row which one it has. */
  readonly flags: readonly (readonly string[])[];
  readonly flagNumbers: Uint32Array;
  /** The rows from there on have no summary. */
  readonly summarized: number;
  readonly #bytes: Uint8Array;
  readonly #places: Uint32Array;
  /** Behind the row that was made last: most often the next one is asked for. */
  #reader: ByteReader;
  #next = 0;

  /** Takes in what follows in `reader`. */
  constructor(reader: ByteReader, length: number) {
    if (length > reader.left) throw new RangeError("a stored record ends too soon");
    this.length = length;
    this.#places = new Uint32Array(Math.ceil(length / ROWS_PER_PLACE));
    this.flagNumbers = new Uint32Array(length);
    const table = new FlagTable(reader);
    let summarized = 0;
    const from = reader.offset;
    this.#bytes = reader.passed(() => {
      for (let row = 0; row < length; row++) {
        if (row % ROWS_PER_PLACE === 0) this.#places[row / ROWS_PER_PLACE] = reader.offset - from;
        this.flagNumbers[row] = table.next();
        if (skipBehindFlags(reader) > 0) summarized = row + 1;
      }
    });
    this.summarized = summarized;
    this.flags = table.flags;
    this.#reader = new ByteReader(this.#bytes);
  }

  /** What they take in memory. */
  get bytes(): number {
    return this.#bytes.length + this.#places.byteLength + this.flagNumbers.byteLength;
  }

  at(row: number): AppendedRow {
    if (row < this.#next || row >= this.#next + ROWS_PER_PLACE) {
      const place = Math.floor(row / ROWS_PER_PLACE);
      this.#next = place * ROWS_PER_PLACE;
      this.#reader = new ByteReader(this.#bytes.subarray(this.#places[place]));
    }
    for (; this.#next < row; this.#next++) {
      skipFlags(this.#reader);
      skipBehindFlags(this.#reader);
    }
    this.#next++;
    return readRow(this.#reader);
  }

  *[Symbol.iterator](): Generator<AppendedRow> {
    for (let row = 0; row < this.length; row++) yield this.at(row);
  }
}

/** Numbers the sets of flags that rows begin with. */
class FlagTable {
  readonly flags: (readonly string[])[] = [];
  readonly #reader: ByteReader;
  readonly #numbers = new Map<string, number>();
  /** The two that came last: most rows have one of them. */
  #last = { from: 0, end: 0, number: 0 };
  #other = this.#last;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  next(): number {
    const reader = this.#reader;
    const from = reader.offset;
    skipFlags(reader);
    if (!reader.repeats(from, this.#last)) {
      [this.#last, this.#other] = [this.#other, this.#last];
      if (!reader.repeats(from, this.#last)) {
        this.#last = { from, end: reader.offset, number: this.#numberOf(reader.latin1From(from)) };
      }
    }
    return this.#last.number;
  }

  #numberOf(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.flags.push(new ByteReader(Buffer.from(key, "latin1")).strings()) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

export function writeRows(writer: ByteWriter, rows: AppendedRows): void {
  writer.integer(rows.length);
  if (rows instanceof EncodedRows) writer.append(rows.bytes);
  else for (const row of rows) writeRow(writer, row);
}

export function readRows(reader: ByteReader): AppendedRows {
  const length = reader.integer();
  return length > DECODED_ROWS_MAX ? new PackedRows(reader, length) : [...eachRow(reader, length)];
}

/** Between the flags and the summary: date, size, origin, body. */
const ROW_NUMBERS = 6;

function writeRow(writer: ByteWriter, row: AppendedRow): void {
  writer.strings(row.flags);
  writeInstant(writer, row.internalDateMs);
  writer.integer(row.sizeBytes);
  writer.integer(row.origin?.mailbox ?? 0).integer(row.origin?.uid ?? 0);
  if ("staged" in row.body) writer.integer(0).integer(row.body.staged);
  else writer.integer(1).integer(row.body.blob);
  writer.bytes(row.summary ?? new Uint8Array(0));
}

function* eachRow(reader: ByteReader, length: number): Generator<AppendedRow> {
  for (let left = length; left > 0; left--) yield readRow(reader);
}

function skipFlags(reader: ByteReader): void {
  for (let flags = reader.integer(); flags > 0; flags--) reader.skip();
}

/** The length of the summary. */
function skipBehindFlags(reader: ByteReader): number {
  for (let numbers = ROW_NUMBERS; numbers > 0; numbers--) reader.skipInteger();
  return reader.skip();
}

function readRow(reader: ByteReader): AppendedRow {
  const flags = reader.strings();
  const internalDateMs = readInstant(reader);
  const sizeBytes = reader.integer();
  const mailbox = reader.integer();
  const uid = reader.integer();
  const body = reader.integer() === 0 ? { staged: reader.integer() } : { blob: reader.integer() };
  const summary = reader.bytes();
  return {
    flags,
    internalDateMs,
    sizeBytes,
    origin: mailbox === 0 ? null : { mailbox, uid },
    body,
    summary: summary.length === 0 ? null : summary,
  };
}

/** Dates before 1970 are legal: the sign is the lowest bit. */
function writeInstant(writer: ByteWriter, atMs: number): void {
  writer.integer(Math.abs(Math.trunc(atMs)) * 2 + (atMs < 0 ? 1 : 0));
}

function readInstant(reader: ByteReader): number {
  const value = reader.integer();
  return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
}
