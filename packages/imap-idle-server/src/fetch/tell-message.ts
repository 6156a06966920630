// One FETCH response. Long sections go out as they are read: no more of them is held than the session's output.
import {
  printFetchLabel,
  printLiteral8Head,
  printLiteralHead,
  printString,
  type FetchItem,
  type FetchSection,
} from "@pushmail/imap-wire";
import type { MessageDetails } from "@pushmail/mailstore";
import type { Session } from "../command.ts";
import { PeerGone } from "../replies.ts";
import { fetchHead } from "../response-form.ts";
import { printAttribute, type FetchedMessage } from "./fetch-plan.ts";
import { countOf, readOctets, type SectionOctets } from "./section-octets.ts";
import type { SectionValue } from "./section-values.ts";

/** What there is to tell of a message. */
export interface Telling {
  readonly message: FetchedMessage;
  readonly items: readonly FetchItem[];
  /** The values of the sections among the items, in order. */
  readonly sections: readonly SectionValue[];
}

/** Up to so many octets are copied into the text around them, which is cheaper than a piece of their own. */
const COPIED_OCTETS_MAX = 4_096;

/** A piece of a response, or where it is in the message. */
type Part = string | SectionOctets;

/** Tells a message's data; undefined where there is room for the next one. */
export function tellMessage(session: Session, { message, items, sections }: Telling): Promise<void> | undefined {
  const parts: Part[] = [];
  let text = fetchHead(session, message);
  const revision = session.isEnabled("IMAP4rev2") ? 2 : 1;
  let before = "";
  let next = 0;
  for (const item of items) {
    text += before;
    before = " ";
    if (typeof item === "string") {
      text += printAttribute(item, message, revision);
      continue;
    }
    text += `${printFetchLabel(item)} `;
    const value = sections[next++] as SectionValue;
    if (typeof value === "string") text += printAbsence(item);
    else if (typeof value === "number") text += value;
    else if (countOf(value) === 0) text += '""';
    else if (item.name === "PREVIEW" && value instanceof Uint8Array) text += printString(latin1(value));
    else if (value instanceof Uint8Array && value.length <= COPIED_OCTETS_MAX)
      text += printHead(item, value) + latin1(value);
    else {
      parts.push(text + printHead(item, value), value);
      text = "";
    }
  }
  parts.push(`${text})\r\n`);
  return parts.every(isRead) ? session.write(...parts) : tellParts(session, message.stored, parts);
}

/** A size has no way to say that there is none. */
function printAbsence({ name }: FetchSection): string {
  return name === "BINARY.SIZE" ? "0" : "NIL";
}

/** RFC 3516 4.2: what may have NUL in it is a literal8. */
function printHead({ name }: FetchSection, value: SectionOctets): string {
  const count = countOf(value);
  const isBinary = name === "BINARY" && (!(value instanceof Uint8Array) || value.includes(0));
  return isBinary ? printLiteral8Head(count) : printLiteralHead(count);
}

function isRead(part: Part): part is string | Uint8Array {
  return typeof part === "string" || part instanceof Uint8Array;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}

async function tellParts(session: Session, message: MessageDetails, parts: readonly Part[]): Promise<void> {
  // Nothing is said before the first octets are there: where they cannot be read, the command can still be refused.
  const held: (string | Uint8Array)[] = [];
  let isBegun = false;
  try {
    for (const part of parts) {
      if (!isRead(part)) {
        for await (const piece of readOctets(session.store, message, part)) {
          isBegun = true;
          await session.write(...held.splice(0), piece);
        }
      } else if (isBegun) await session.write(part);
      else held.push(part);
    }
  } catch (error) {
    if (error instanceof PeerGone || !isBegun) throw error;
    // The client waits for the rest of the response: whatever else came now, it would take for that.
    session.log.error({ err: error, uid: message.uid }, "a message could not be read");
    throw new PeerGone("a response cannot be completed");
  }
}
