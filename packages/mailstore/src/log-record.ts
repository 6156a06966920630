// The facts that one transaction states about one mailbox, as bytes: what the driver keeps and hints carry.
// Facts, not commands: reading them needs no rule that may change from one version to the next.
import { readRows, writeRows, type AppendedRows } from "./appended-rows.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { AppendedBy } from "./change.ts";
import { FLAG_KINDS, type FlagKind } from "./flag-sets.ts";
import type { FlagChange } from "./store.ts";
import type { UidSet } from "./uid-set.ts";

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
      writeRows(writer.integer(APPENDED_BY.indexOf(fact.by)), fact.rows);
      return;
    case "flags":
      writer.integer(FLAG_MODES.indexOf(fact.mode) + FLAG_MODES.length * bitsOf(fact.keeps ?? []));
      writer.strings(fact.flags);
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
      return { type, by, rows: readRows(reader) };
    }
    case "flags": {
      const code = reader.integer();
      const keeps = FLAG_KINDS.filter((_, i) => (Math.floor(code / FLAG_MODES.length) >> i) % 2 === 1);
      return {
        type,
        mode: pick(FLAG_MODES, code % FLAG_MODES.length),
        ...(keeps.length === 0 ? {} : { keeps }),
        flags: reader.strings(),
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
