// The messages of a command as it comes: each with what stands before it, and the pieces that it is put together of. The
// grammar is read up to the next literal; with what stands behind that, it is read on.
import { parseDateTime, parseFlagList, Scanner, SyntaxFault, type WireLimits } from "@pushmail/imap-wire";
import type { MessageLiteral } from "./command.ts";

/** A command from some place on, up to its next literal or to its end. */
export interface Source {
  readonly scan: Scanner;
  readonly literal: MessageLiteral | undefined;
}

export interface IncomingMessage {
  readonly flags: readonly string[];
  /** Undefined for the time of arrival. */
  readonly internalDateMs: number | undefined;
  /** Whether it is one literal, and not put together of others (RFC 4469 3). */
  readonly isWhole: boolean;
}

/** A literal, which must have been read before the next piece is taken, or the URL of something that is there already. */
export type Piece = MessageLiteral | string;

type Item =
  | { readonly type: "message"; readonly message: IncomingMessage }
  | { readonly type: "url"; readonly url: string }
  | { readonly type: "literal" | "literal url"; readonly literal: MessageLiteral }
  | { readonly type: "end" };

/** Yields what it has read; behind a literal it goes on with what stands there. */
type Grammar<Result> = Generator<Item, Result, Source>;

export class IncomingMessages {
  /** Octets of other messages that have been taken into them. */
  catenatedBytes = 0;
  readonly #grammar: Grammar<void>;
  readonly #limits: WireLimits;
  readonly #items: Item[] = [];

  /** Reads up to the first literal: what is wrong so far is a fault before anything is done. */
  constructor(source: Source, options?: { readonly isOne?: boolean }) {
    this.#grammar = options?.isOne === true ? oneMessage(source) : messages(source);
    this.#limits = source.scan.limits;
    this.#readOn(source);
  }

  /** The message that comes next; undefined at the command's end. The pieces of the one before have been taken. */
  next(): IncomingMessage | undefined {
    const item = this.#items.shift();
    return item?.type === "message" ? item.message : undefined;
  }

  /** What the message is put together of. */
  async *pieces(): AsyncGenerator<Piece> {
    for (let item = this.#items.shift(); item !== undefined && item.type !== "end"; item = this.#items.shift()) {
      if (item.type === "message") throw new Error("a message within another");
      if (item.type === "url") {
        yield item.url;
        continue;
      }
      yield item.type === "literal" ? item.literal : await readUrl(item.literal, this.#limits);
      const { frame, literal } = item.literal.rest;
      this.#readOn({ scan: new Scanner(frame, this.#limits), literal });
    }
  }

  #readOn(source: Source): void {
    for (let next = this.#grammar.next(source); next.done !== true; next = this.#grammar.next(source)) {
      this.#items.push(next.value);
      if ("literal" in next.value) return;
    }
  }
}

/** RFC 3502 6.3.11 */
function* messages(source: Source): Grammar<void> {
  let at = source;
  do at = yield* message(at);
  while (at.scan.skip(" "));
  at.scan.end();
}

function* oneMessage(source: Source): Grammar<void> {
  const { scan } = yield* message(source);
  if (!scan.atEnd) throw new SyntaxFault("Unexpected text behind the message");
}

/** RFC 9051 9 append-message, RFC 4469 5 append-data. */
function* message(source: Source): Grammar<Source> {
  const { scan } = source;
  const flags = scan.peek === "(" ? spaced(scan, parseFlagList(scan)) : [];
  const internalDateMs = scan.peek === '"' ? spaced(scan, parseDateTime(scan).ms) : undefined;
  const isWhole = !scan.skip("CATENATE (");
  yield { type: "message", message: { flags, internalDateMs, isWhole } };
  const behind = isWhole ? yield* literalOrUtf8(source) : yield* parts(source);
  yield { type: "end" };
  return behind;
}

function spaced<Value>(scan: Scanner, value: Value): Value {
  scan.space();
  return value;
}

function* parts(source: Source): Grammar<Source> {
  let at = source;
  do {
    if (at.scan.skip("URL ")) at = yield* url(at);
    else if (at.scan.skip("TEXT ")) at = yield* literal(at, "literal");
    else if (at.scan.peek.toUpperCase() === "U") at = yield* literalOrUtf8(at);
    else throw at.scan.fault("Expected TEXT or URL");
  } while (at.scan.skip(" "));
  at.scan.expect(")");
  return at;
}

/** RFC 6855 4: in the parentheses of UTF8 (...) it is a literal8. */
function* literalOrUtf8(source: Source): Grammar<Source> {
  if (!source.scan.skip("UTF8 (")) return yield* literal(source, "literal");
  if (source.scan.peek !== "~") throw source.scan.fault("Expected a literal");
  const behind = yield* literal(source, "literal");
  behind.scan.expect(")");
  return behind;
}

function* url(source: Source): Grammar<Source> {
  if (source.scan.atUnreadLiteral) return yield* literal(source, "literal url");
  yield { type: "url", url: source.scan.astring() };
  return source;
}

function* literal({ scan, literal: coming }: Source, type: "literal" | "literal url"): Grammar<Source> {
  if (coming === undefined || (scan.peek !== "{" && scan.peek !== "~")) throw scan.fault("Expected a literal");
  scan.literal();
  return yield { type, literal: coming };
}

async function readUrl(literal: MessageLiteral, { literalBytesMax }: WireLimits): Promise<string> {
  if (literal.sizeBytes > literalBytesMax) throw new SyntaxFault("Literal too large");
  const octets: Uint8Array[] = [];
  for await (const piece of literal.bytes()) octets.push(piece);
  return Buffer.concat(octets).toString("latin1");
}
