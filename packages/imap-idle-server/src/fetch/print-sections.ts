// Sections whose octets are few: they are read at once, and go out with the response around them.
import { printLiteralHead, type FetchSection } from "@pushmail/imap-wire";
import type { MailStore, MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import { FETCH_LIMITS } from "./limits.ts";
import { checkCount, openSection } from "./open-section.ts";

/** The values of sections as FETCH tells them; undefined for those that would be too much to be held. */
export async function printSections(
  store: MailStore,
  message: MessageDetails,
  sections: readonly FetchSection[],
): Promise<readonly (string | undefined)[]> {
  let room = FETCH_LIMITS.textOctetsMax;
  const values: (string | undefined)[] = [];
  for (const section of sections) {
    const opened = await openSection(store, message, section);
    if (opened === undefined) values.push("NIL");
    else if (opened.count === 0) values.push('""');
    else if (opened.count > room) values.push(undefined);
    else {
      room -= opened.count;
      const octets = await collectOctets(opened.pieces);
      checkCount(octets.length, opened.count);
      values.push(printLiteralHead(opened.count) + octets.toString("latin1"));
    }
  }
  return values;
}
