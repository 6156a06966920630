// One FETCH response. Long sections go out as they are read: no more of them is held than the session's output.
import { printFetchLabel, printLiteralHead, type FetchItem, type FetchSection } from "@pushmail/imap-wire";
import type { MessageDetails } from "@pushmail/mailstore";
import type { Session } from "../command.ts";
import { PeerGone } from "../replies.ts";
import { printAttribute, type FetchedMessage } from "./fetch-plan.ts";
import { checkCount, openSection } from "./open-section.ts";

/** What there is to tell of a message. */
export interface Telling {
  readonly message: FetchedMessage;
  readonly items: readonly FetchItem[];
  /** The values of the sections among the items, in order; undefined for those that are still to be read. */
  readonly sections: readonly (string | undefined)[];
}

/** Tells a message's data; undefined where there is room for the next one. */
export function tellMessage(session: Session, { message, items, sections }: Telling): Promise<void> | undefined {
  const parts: (string | FetchSection)[] = [];
  let text = `* ${message.number} FETCH (`;
  let next = 0;
  for (const [i, item] of items.entries()) {
    if (i > 0) text += " ";
    if (typeof item === "string") {
      text += printAttribute(item, message);
      continue;
    }
    const value = sections[next++];
    text += `${printFetchLabel(item)} ${value ?? ""}`;
    if (value !== undefined) continue;
    parts.push(text, item);
    text = "";
  }
  text += ")\r\n";
  return parts.length === 0 ? session.write(text) : tellParts(session, message.stored, [...parts, text]);
}

async function tellParts(
  session: Session,
  message: MessageDetails,
  parts: readonly (string | FetchSection)[],
): Promise<void> {
  try {
    for (const part of parts)
      await (typeof part === "string" ? session.write(part) : tellOctets(session, message, part));
  } catch (error) {
    if (error instanceof PeerGone) throw error;
    // The client waits for the rest of the response: whatever else came now, it would take for that.
    session.log.error({ err: error, uid: message.uid }, "a message could not be read");
    throw new PeerGone("a response cannot be completed");
  }
}

async function tellOctets(session: Session, message: MessageDetails, section: FetchSection): Promise<void> {
  const octets = await openSection(session.store, message, section);
  if (octets === undefined) throw new Error("a part is there no longer");
  await session.write(printLiteralHead(octets.count));
  let written = 0;
  for await (const piece of octets.pieces) {
    written += piece.length;
    await session.write(piece);
  }
  checkCount(written, octets.count);
}
