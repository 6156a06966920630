// One FETCH response. Octets go out as they are read, and no more of them are held than the session's output.
import { printFetch, printFetchLabel, printLiteralHead, type FetchItem } from "@pushmail/imap-wire";
import type { Session } from "../command.ts";
import { PeerGone } from "../replies.ts";
import { printAttribute, type FetchedMessage } from "./fetch-plan.ts";
import { collectOctets } from "./collect-octets.ts";
import { FETCH_LIMITS } from "./limits.ts";
import { openSection, type Octets } from "./open-section.ts";

/** Tells a message's data; undefined where there is room for the next one. */
export function tellMessage(
  session: Session,
  message: FetchedMessage,
  items: readonly FetchItem[],
): Promise<void> | undefined {
  const printed: string[] = [];
  for (const item of items) {
    if (typeof item !== "string") return tellWithOctets(session, message, items);
    printed.push(printAttribute(item, message));
  }
  return session.write(printFetch(message.number, printed.join(" ")));
}

async function tellWithOctets(session: Session, message: FetchedMessage, items: readonly FetchItem[]): Promise<void> {
  let text = `* ${message.number} FETCH (`;
  let separator = "";
  let isBegun = false;
  try {
    for (const item of items) {
      text += separator;
      separator = " ";
      if (typeof item === "string") {
        text += printAttribute(item, message);
        continue;
      }
      const octets = await openSection(session.store, message.stored, item);
      text += `${printFetchLabel(item)} `;
      if (octets === undefined) text += "NIL";
      else if (octets.count === 0) text += '""';
      else if (octets.count <= FETCH_LIMITS.textOctetsMax) text += await printOctets(octets);
      else {
        isBegun = true;
        await session.write(text + printLiteralHead(octets.count));
        await writeOctets(session, octets);
        text = "";
      }
    }
    await session.write(`${text})\r\n`);
  } catch (error) {
    if (!isBegun || error instanceof PeerGone) throw error;
    // The client waits for the rest of a literal: whatever came now, it would take for octets of the message.
    session.log.error({ error, uid: message.uid }, "a message could not be read");
    throw new PeerGone("a response cannot be completed");
  }
}

/** The literal as one text: few octets go out with what stands around them. */
async function printOctets({ count, pieces }: Octets): Promise<string> {
  const octets = await collectOctets(pieces);
  checkCount(octets.length, count);
  return printLiteralHead(count) + octets.toString("latin1");
}

async function writeOctets(session: Session, { count, pieces }: Octets): Promise<void> {
  let written = 0;
  for await (const piece of pieces) {
    written += piece.length;
    await session.write(piece);
  }
  checkCount(written, count);
}

function checkCount(octets: number, announced: number): void {
  if (octets !== announced) throw new Error(`${octets} octets where ${announced} were announced`);
}
