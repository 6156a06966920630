// What a repair writes to the heads of accounts and mailboxes.
import { ACCOUNT_DIRECTORY, cursor, isMailbox } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { encodeAccountCounters, encodeMailboxCounters } from "../level/heads.ts";
import type { Operation } from "../level/key-index.ts";
import { accountHeadKey, mailboxHeadKey, propertiesKey } from "../level/keys.ts";
import type { AccountHead, MailboxHead } from "../driver.ts";
import { decodeDirectory } from "../account-state.ts";
import { decodeProperties, encodeProperties } from "../mailbox-state.ts";
import type { MailboxAt } from "../store.ts";
import type { MailboxFault, MailListener } from "./check-mail.ts";

/** What the newest record of a mailbox says of it. */
export interface StatedProperties {
  readonly at: MailboxAt;
  readonly properties: Uint8Array;
}

/** Heads that are wrong, as a check found them. */
export interface WrongHeads {
  readonly miscounted: readonly MailboxFault[];
  readonly missummed: readonly AccountHead[];
}

/** Counts anew. */
export async function counterOperations(driver: LevelDriver, wounds: WrongHeads): Promise<Operation[]> {
  const operations: Operation[] = [];
  const ids = [...wounds.miscounted.map(({ at }) => at.account), ...wounds.missummed.map(({ account }) => account)];
  for (const id of new Set(ids)) {
    const head = await driver.head(id);
    if (head === undefined) continue;
    let [messages, bytes] = [0, 0];
    for (const box of head.mailboxes) {
      const fault = wounds.miscounted.find(({ at }) => at.account === id && at.mailbox === box.mailbox);
      const mended = { ...box, ...fault?.counted };
      if (fault !== undefined)
        operations.push({ key: mailboxHeadKey(id, box.mailbox), value: encodeMailboxCounters(mended) });
      messages += mended.messages;
      bytes += mended.bytes;
    }
    operations.push({ key: accountHeadKey(id), value: encodeAccountCounters({ ...head, messages, bytes }) });
  }
  return operations;
}

/** The account with its mailboxes as their newest records say they are, as far as the log has those. */
export async function asStated(
  driver: LevelDriver,
  head: AccountHead,
  { found, misstated }: Pick<MailListener, "found" | "misstated">,
): Promise<AccountHead> {
  const { account } = head;
  const mailboxes: MailboxHead[] = [];
  for (const box of head.mailboxes) {
    const { mailbox } = box;
    const { records } = await driver.log(account, cursor(box.modSeq - 1), { mailbox, limit: 1 });
    const stated = records[0]?.parts.findLast((part) => part.mailbox === mailbox)?.head?.properties;
    mailboxes.push({ ...box, properties: stated ?? box.properties });
    if (stated === undefined || Buffer.compare(stated, box.properties) === 0) continue;
    found({ what: `mailbox ${mailbox} of account ${account} is not as its newest change says` });
    misstated({ at: { account, mailbox }, properties: stated });
  }
  return { ...head, mailboxes };
}

/**
 * Puts what the newest record of a mailbox says of it in the place of what its head does. Where the creation of a mailbox is
 * lost, so is that its id and its UIDVALIDITY were given out: they must not be once more.
 */
export async function propertyOperations(
  driver: LevelDriver,
  stated: readonly StatedProperties[],
): Promise<Operation[]> {
  const operations = stated.map(({ at: { account, mailbox }, properties }): Operation => {
    return { key: propertiesKey(account, mailbox), value: properties };
  });
  for (const account of new Set(stated.map(({ at }) => at.account))) {
    const head = (await driver.head(account)) as AccountHead;
    const own = stated.filter(({ at }) => at.account === account);
    const known = head.mailboxes.find(({ mailbox }) => mailbox === ACCOUNT_DIRECTORY) ?? emptyDirectory(head);
    const newest = own.find(({ at }) => at.mailbox === ACCOUNT_DIRECTORY)?.properties ?? known.properties;
    const directory = decodeDirectory(newest);
    const created = own.filter(({ at }) => isMailbox(at.mailbox));
    const mailboxNext = Math.max(directory.mailboxNext, ...created.map(({ at }) => at.mailbox + 1));
    const validities = created.map(({ properties }) => decodeProperties({ properties }).uidValidity);
    const uidValidityLast = Math.max(directory.uidValidityLast, ...validities);
    operations.push({ key: mailboxHeadKey(account, ACCOUNT_DIRECTORY), value: encodeMailboxCounters(known) });
    const value = encodeProperties({ ...directory, mailboxNext, uidValidityLast });
    operations.push({ key: propertiesKey(account, ACCOUNT_DIRECTORY), value });
  }
  return operations;
}

function emptyDirectory({ cursor: last }: AccountHead): MailboxHead {
  const none = { uidNext: 1, messages: 0, unseen: 0, deleted: 0, bytes: 0, properties: new Uint8Array(0) };
  return { mailbox: ACCOUNT_DIRECTORY, modSeq: last, guard: last, ...none };
}
