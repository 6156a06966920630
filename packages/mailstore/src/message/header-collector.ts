// Picks the fields that ENVELOPE and BODYSTRUCTURE need out of a header, line by line, and forgets all others.
import { isBlank, trimBlanks } from "./characters.ts";
import { fieldColon } from "./header-line.ts";

const FIELD_NAMES = [
  "date",
  "subject",
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "bcc",
  "in-reply-to",
  "message-id",
  "references",
  "content-type",
  "content-transfer-encoding",
  "content-disposition",
  "content-id",
  "content-description",
  "content-language",
  "content-location",
  "content-md5",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

/** The values of the fields found: latin1, unfolded, without blanks at the ends. */
export type CollectedFields = Readonly<Partial<Record<FieldName, string>>>;

/** Fields whose repetitions make one list; of all others the first counts. */
const ADDRESS_FIELDS: ReadonlySet<FieldName> = new Set(["from", "sender", "reply-to", "to", "cc", "bcc"]);

const LETTER_A = 0x61;
/** The names by their first letter. */
const NAMES_BY_LETTER: readonly (readonly FieldName[])[] = Array.from({ length: 26 }, (_, letter) =>
  FIELD_NAMES.filter((name) => name.charCodeAt(0) === LETTER_A + letter),
);

/** Takes the lines of one header and yields the fields of interest. */
export class HeaderCollector {
  readonly #fieldBytesMax: number;
  /** Bytes that may still be kept. */
  #bytesLeft: number;
  readonly #fields: Partial<Record<FieldName, string>> = {};
  /** The field that a folded line continues. */
  #current: FieldName | null = null;

  /** Keeps at most so many bytes of each field, and of all together. */
  constructor(fieldBytesMax: number, bytesMax: number) {
    this.#fieldBytesMax = fieldBytesMax;
    this.#bytesLeft = bytesMax;
  }

  /** How many more bytes it would keep. */
  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  /** Takes one line without its line end. */
  takeLine(bytes: Buffer, start: number, end: number): void {
    // RFC 5322 2.2.3
    if (isBlank(bytes[start])) {
      if (this.#current !== null) this.#append(this.#current, bytes.toString("latin1", start, end));
      return;
    }
    this.#current = null;
    const names = NAMES_BY_LETTER[((bytes[start] as number) | 0x20) - LETTER_A];
    if (names === undefined || names.length === 0) return;
    const colon = fieldColon(bytes, start, end);
    const name = names.find((candidate) => isNamed(bytes, start, colon, candidate));
    if (name === undefined) return;
    const isRepeated = this.#fields[name] !== undefined;
    if ((isRepeated && !ADDRESS_FIELDS.has(name)) || this.#bytesLeft === 0) return;
    this.#current = name;
    this.#append(name, `${isRepeated ? "," : ""}${bytes.toString("latin1", colon + 1, end)}`);
  }

  #append(name: FieldName, text: string): void {
    const before = this.#fields[name] ?? "";
    const kept = text.slice(0, Math.min(this.#fieldBytesMax - before.length, this.#bytesLeft));
    this.#bytesLeft -= kept.length;
    this.#fields[name] = before + kept;
  }

  finish(): CollectedFields {
    for (const name in this.#fields) {
      this.#fields[name as FieldName] = trimBlanks(this.#fields[name as FieldName] as string);
    }
    return this.#fields;
  }
}

/** Whether the bytes before the colon are this name, in any case, with or without blanks behind it. */
function isNamed(bytes: Buffer, start: number, colon: number, name: FieldName): boolean {
  const end = start + name.length;
  if (end > colon || (end < colon && !isBlank(bytes[end]))) return false;
  for (let i = 0; i < name.length; i++) if (((bytes[start + i] as number) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}
