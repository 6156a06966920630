// The facts that one transaction states about one mailbox, as bytes: what the driver keeps and hints carry.
// Facts, not commands: reading them needs no rule that may change from one version to the next.
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { AppendedBy } from "./change.ts";
import { FLAG_KINDS, type FlagKind } from "./flag-sets.ts";
import type { Uid } from "./ids.ts";
import type { FlagChange } from "./store.ts";
import type { UidSet } from "./uid-set.ts";

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

/** In the order of their UIDs. Of very many there are the bytes alone: each is made when it is asked for. */
export type AppendedRows = Iterable<AppendedRow> & { readonly length: number };

export type MailboxFact =
  | { readonly type: "appended"; readonly by: AppendedBy; readonly rows: AppendedRows }
  | ({ readonly type: "flags"; readonly uids: UidSet } & FlagChange)
  | { readonly type: "expunged"; readonly by: "expunge" | "move"; readonly uids: UidSet }
  | { readonly type: "created"; readonly name: string }
  | { readonly type: "renamed"; readonly oldName: string; readonly name: string }
  | { readonly type: "deleted"; readonly name: string }
  | { readonly type: "subscribed" | "unsubscribed"; readonly name: string }
  /** An entry of metadata, of this mailbox or of the account (0). */
  | { readonly type: "metadata"; readonly mailbox: number; readonly entry: string }
  | { readonly type: "rights"; readonly identifier: string };

const FACT_TYPES = [
  "appended",
  "flags",
  "expunged",
  "created",
  "renamed",
  "deleted",
  "subscribed",
  "unsubscribed",
  "metadata",
  "rights",
] as const;
const APPENDED_BY = ["delivery", "append", "copy", "move"] as const;
const FLAG_MODES = ["add", "remove", "replace"] as const;

/** More rows than these are not decoded until they are asked for. */
const DECODED_ROWS_MAX = 1_000;

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
    return readRows(new ByteReader(this.bytes), this.length);
  }
}

export function encodeFacts(facts: readonly MailboxFact[]): Uint8Array {
  const writer = new ByteWriter();
  for (const fact of facts) {
    writer.integer(FACT_TYPES.indexOf(fact.type));
    writeFact(writer, fact);
  }
  return writer.finish();
}

export function decodeFacts(record: Uint8Array): MailboxFact[] {
  const reader = new ByteReader(record);
  const facts: MailboxFact[] = [];
  while (!reader.done) facts.push(readFact(reader));
  return facts;
}

function writeFact(writer: ByteWriter, fact: MailboxFact): void {
  switch (fact.type) {
    case "appended":
      writer.integer(APPENDED_BY.indexOf(fact.by)).integer(fact.rows.length);
      if (fact.rows instanceof EncodedRows) writer.append(fact.rows.bytes);
      else for (const row of fact.rows) writeRow(writer, row);
      return;
    case "flags":
      writer.integer(FLAG_MODES.indexOf(fact.mode) + FLAG_MODES.length * bitsOf(fact.keeps ?? []));
      writeStrings(writer, fact.flags);
      writeUidSet(writer, fact.uids);
      return;
    case "expunged":
      writer.integer(fact.by === "move" ? 1 : 0);
      writeUidSet(writer, fact.uids);
      return;
    case "renamed":
      writer.string(fact.oldName).string(fact.name);
      return;
    case "created":
    case "deleted":
    case "subscribed":
    case "unsubscribed":
      writer.string(fact.name);
      return;
    case "metadata":
      writer.integer(fact.mailbox).string(fact.entry);
      return;
    case "rights":
      writer.string(fact.identifier);
      return;
  }
}

function readFact(reader: ByteReader): MailboxFact {
  const type = pick(FACT_TYPES, reader.integer());
  switch (type) {
    case "appended": {
      const by = pick(APPENDED_BY, reader.integer());
      const length = reader.integer();
      if (length <= DECODED_ROWS_MAX) return { type, by, rows: [...readRows(reader, length)] };
      const bytes = reader.passed(() => skipRows(reader, length));
      return { type, by, rows: { length, [Symbol.iterator]: () => readRows(new ByteReader(bytes), length) } };
    }
    case "flags": {
      const code = reader.integer();
      const keeps = FLAG_KINDS.filter((_, i) => (Math.floor(code / FLAG_MODES.length) >> i) % 2 === 1);
      return {
        type,
        mode: pick(FLAG_MODES, code % FLAG_MODES.length),
        ...(keeps.length === 0 ? {} : { keeps }),
        flags: readStrings(reader),
        uids: readUidSet(reader),
      };
    }
    case "expunged":
      return { type, by: reader.integer() === 1 ? "move" : "expunge", uids: readUidSet(reader) };
    case "renamed":
      return { type, oldName: reader.string(), name: reader.string() };
    case "created":
    case "deleted":
    case "subscribed":
    case "unsubscribed":
      return { type, name: reader.string() };
    case "metadata":
      return { type, mailbox: reader.integer(), entry: reader.string() };
    case "rights":
      return { type, identifier: reader.string() };
  }
}

function bitsOf(kinds: readonly FlagKind[]): number {
  return FLAG_KINDS.reduce((bits, kind, i) => bits + (kinds.includes(kind) ? 2 ** i : 0), 0);
}

/** Between the flags and the summary: date, size, origin, body. */
const ROW_NUMBERS = 6;

function writeRow(writer: ByteWriter, row: AppendedRow): void {
  writeStrings(writer, row.flags);
  writeInstant(writer, row.internalDateMs);
  writer.integer(row.sizeBytes);
  writer.integer(row.origin?.mailbox ?? 0).integer(row.origin?.uid ?? 0);
  if ("staged" in row.body) writer.integer(0).integer(row.body.staged);
  else writer.integer(1).integer(row.body.blob);
  writer.bytes(row.summary ?? new Uint8Array(0));
}

function* readRows(reader: ByteReader, length: number): Generator<AppendedRow> {
  for (let left = length; left > 0; left--) yield readRow(reader);
}

function skipRows(reader: ByteReader, length: number): void {
  for (let left = length; left > 0; left--) {
    for (let flags = reader.integer(); flags > 0; flags--) reader.skip();
    for (let numbers = ROW_NUMBERS; numbers > 0; numbers--) reader.integer();
    reader.skip();
  }
}

function readRow(reader: ByteReader): AppendedRow {
  const flags = readStrings(reader);
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

function writeStrings(writer: ByteWriter, values: readonly string[]): void {
  writer.integer(values.length);
  for (const value of values) writer.string(value);
}

function readStrings(reader: ByteReader): string[] {
  return Array.from({ length: reader.integer() }, () => reader.string());
}

/** Each range as its distance from the one before and its length. */
export function writeUidSet(writer: ByteWriter, set: UidSet): void {
  writer.integer(set.length);
  let previous = 0;
  for (const [first, last] of set) {
    writer.integer(first - previous).integer(last - first);
    previous = last;
  }
}

export function readUidSet(reader: ByteReader): UidSet {
  let previous = 0;
  return Array.from({ length: reader.integer() }, () => {
    const first = previous + reader.integer();
    previous = first + reader.integer();
    return [first, previous] as const;
  });
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`a stored record has an unknown code ${index}`);
  return value;
}
