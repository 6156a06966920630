// In which form a client is told of messages: by their numbers or, with UIDONLY, by their UIDs alone (RFC 9586 3).
import { printFetchHead, printUidFetchHead } from "@pushmail/imap-wire";
import type { Session } from "./command.ts";

/** Whether the client neither says nor is told message numbers. */
export function isByUid(session: Session): boolean {
  return session.isEnabled("UIDONLY");
}

/** Whether what is gone is told by its UID, as VANISHED (RFC 7162 3.2.10, RFC 9586 3.4, 3.6). */
export function tellsVanished(session: Session): boolean {
  return session.isEnabled("QRESYNC") || isByUid(session);
}

interface Named {
  readonly number: number;
  readonly uid: number;
}

/** What begins a message's data; they end with `)`. */
export function fetchHead(session: Session, { number, uid }: Named): string {
  return isByUid(session) ? printUidFetchHead(uid) : printFetchHead(number);
}
