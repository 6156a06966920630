// What a mailbox is of which the index has lost that: as the newest record says that is left, else it is named anew.
import type { DirectoryProperties } from "../account-state.ts";
import type { LevelDriver } from "../level/driver.ts";
import { INBOX } from "../mailbox-names.ts";
import type { MailboxProperties } from "../mailbox-state.ts";
import type { MailboxAt } from "../store.ts";
import { indexedRecords, writtenRecords } from "./every-record.ts";

/** Undefined where neither index nor segments have anything that says it. */
export async function lastProperties(driver: LevelDriver, at: MailboxAt): Promise<Uint8Array | undefined> {
  let newest: { readonly cursor: number; readonly properties: Uint8Array } | undefined;
  for (const records of [indexedRecords(driver, at), writtenRecords(driver.inside.segments)]) {
    for await (const { account, cursor, parts } of records) {
      if (account !== at.account || cursor < (newest?.cursor ?? 0)) continue;
      const properties = parts.findLast(({ mailbox }) => mailbox === at.mailbox)?.head?.properties;
      if (properties !== undefined && properties.length > 0) newest = { cursor, properties };
    }
  }
  return newest?.properties;
}

/** `others` are those of the account that are known. By its UIDVALIDITY clients know that they have to read it anew. */
export function newProperties(
  id: MailboxAt["mailbox"],
  { uidValidityLast }: DirectoryProperties,
  others: readonly MailboxProperties[],
): MailboxProperties {
  const names = new Set(others.map(({ name }) => name));
  // There is always one.
  let name = names.has(INBOX) ? `Recovered-${id}` : INBOX;
  while (names.has(name)) name += "-";
  const last = others.reduce((most, { uidValidity }) => Math.max(most, uidValidity), uidValidityLast);
  return { name, uidValidity: last + 1, specialUse: null };
}
