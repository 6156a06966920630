// An ENVELOPE as it is printed, read only as far as it is asked for: a search wants the subject of thousands.
import type { PrintedReader } from "./printed-reader.ts";
import type { Envelope, EnvelopeAddress } from "./summary.ts";

/** The fields in the order in which they are printed (RFC 9051 7.5.2). */
const FIELDS = ["date", "subject", "from", "sender", "replyTo", "to", "cc", "bcc", "inReplyTo", "messageId"] as const;
type Field = (typeof FIELDS)[number];
type Value = string | null | readonly EnvelopeAddress[];

const ADDRESSES: ReadonlySet<Field> = new Set(["from", "sender", "replyTo", "to", "cc", "bcc"]);
/** All of these as nearly all are printed: with nothing that is escaped, or a literal. */
const ADDRESS_LISTS = /(?: (?:NIL|\((?:\((?:"[^"\\]*"|NIL| )*\))+\))){6} /y;
type Last = Pick<Envelope, "inReplyTo" | "messageId">;

export class PrintedEnvelope implements Envelope {
  readonly #printed: PrintedReader;
  readonly #values: Value[] = [];
  #last: Last | undefined;

  constructor(printed: PrintedReader) {
    this.#printed = printed;
  }

  get date(): string | null {
    return this.#text(0);
  }
  get subject(): string | null {
    return this.#text(1);
  }
  get from(): readonly EnvelopeAddress[] {
    return this.#addresses(2);
  }
  get sender(): readonly EnvelopeAddress[] {
    return this.#addresses(3);
  }
  get replyTo(): readonly EnvelopeAddress[] {
    return this.#addresses(4);
  }
  get to(): readonly EnvelopeAddress[] {
    return this.#addresses(5);
  }
  get cc(): readonly EnvelopeAddress[] {
    return this.#addresses(6);
  }
  get bcc(): readonly EnvelopeAddress[] {
    return this.#addresses(7);
  }
  get inReplyTo(): string | null {
    return this.#readLast().inReplyTo;
  }
  get messageId(): string | null {
    return this.#readLast().messageId;
  }

  /** The two behind the addresses: THREAD wants them of thousands, and of none of these the addresses. */
  #readLast(): Last {
    return (this.#last ??= this.#lastAhead() ?? { inReplyTo: this.#text(8), messageId: this.#text(9) });
  }

  #lastAhead(): Last | undefined {
    this.#text(1);
    const ahead = this.#values.length === 2 ? this.#printed.ahead(ADDRESS_LISTS) : undefined;
    if (ahead === undefined) return undefined;
    const inReplyTo = ahead.nstring();
    ahead.expect(" ");
    return { inReplyTo, messageId: ahead.nstring() };
  }

  #text(at: number): string | null {
    return this.#value(at) as string | null;
  }

  #addresses(at: number): readonly EnvelopeAddress[] {
    return this.#value(at) as readonly EnvelopeAddress[];
  }

  #value(at: number): Value {
    const values = this.#values;
    while (values.length <= at) {
      this.#printed.expect(values.length === 0 ? "(" : " ");
      values.push(readField(this.#printed, FIELDS[values.length] as Field));
    }
    return values[at] as Value;
  }
}

/** Reads all of an ENVELOPE, to what stands behind it. */
export function readEnvelope(printed: PrintedReader): Envelope {
  const envelope = new PrintedEnvelope(printed);
  const read = Object.fromEntries(FIELDS.map((field) => [field, envelope[field]])) as unknown as Envelope;
  printed.expect(")");
  return read;
}

function readField(printed: PrintedReader, field: Field): Value {
  return ADDRESSES.has(field) ? printed.list(() => readAddress(printed)) : printed.nstring();
}

function readAddress(printed: PrintedReader): EnvelopeAddress {
  printed.expect("(");
  const name = printed.nstring();
  printed.expect(" NIL ");
  const mailbox = printed.nstring();
  printed.expect(" ");
  const host = printed.nstring();
  printed.expect(")");
  return { name, mailbox, host };
}
