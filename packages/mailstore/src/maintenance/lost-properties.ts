// What a mailbox is of which the index has lost that: as the newest record says that is left, else it is named anew.
import type { DirectoryProperties } from "../account-state.ts";
import type { AccountId, MailboxId } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { INBOX } from "../mailbox-names.ts";
import type { MailboxProperties } from "../mailbox-state.ts";
import type { MailboxAt } from "../store.ts";
import { eachRecord } from "./every-record.ts";

/** Of none of which neither index nor segments have anything that says it. */
export async function lastProperties(
  driver: LevelDriver,
  account: AccountId,
  lost: readonly MailboxId[],
): Promise<ReadonlyMap<MailboxId, Uint8Array>> {
  const newest = new Map(lost.map((mailbox) => [mailbox, 0]));
  const found = new Map<MailboxId, Uint8Array>();
  if (lost.length === 0) return found;
  const mailboxes = lost.map((mailbox) => ({ account, mailbox }));
  await eachRecord(driver, mailboxes, (record) => {
    for (const { mailbox, head } of record.account === account ? record.parts : []) {
      const isNewest = record.cursor >= (newest.get(mailbox) ?? Infinity);
      if (!isNewest || head === null || head.properties.length === 0) continue;
      newest.set(mailbox, record.cursor);
      found.set(mailbox, head.properties);
    }
  });
  return found;
}

/** `others` are those of the account that are known. By its UIDVALIDITY clients know that they have to read it anew. */
export function newProperties(
  id: MailboxAt["mailbox"],
  { uidValidityLast, restored }: DirectoryProperties,
  others: readonly MailboxProperties[],
): MailboxProperties {
  const names = new Set(others.map(({ name }) => name));
  // There is always one.
  let name = names.has(INBOX) ? `Recovered-${id}` : INBOX;
  while (names.has(name)) name += "-";
  const last = others.reduce((most, { uidValidity }) => Math.max(most, uidValidity), uidValidityLast);
  return { name, uidValidity: last + 1, specialUse: null, restored };
}
