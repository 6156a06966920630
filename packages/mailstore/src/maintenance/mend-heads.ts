// What a repair writes to the heads of accounts and mailboxes.
import { ACCOUNT_DIRECTORY, cursor, isMailbox } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { encodeAccountCounters, encodeMailboxCounters } from "../level/heads.ts";
import type { Operation } from "../level/key-index.ts";
import { accountHeadKey, DELETIONS, mailboxHeadKey, mailboxRecordRange, propertiesKey } from "../level/keys.ts";
import { decodeDeleted } from "../level/log-records.ts";
import type { AccountHead, MailboxHead } from "../driver.ts";
import { decodeDirectory, lossOfProperties, type DirectoryProperties } from "../account-state.ts";
import { decodeProperties, encodeProperties, type MailboxProperties } from "../mailbox-state.ts";
import type { MailboxAt } from "../store.ts";
import type { Finding } from "./finding.ts";
import { lastProperties, newProperties } from "./lost-properties.ts";
import type { MailboxFault, MailListener } from "./mail-listener.ts";

/** What is to be said of a mailbox, of the account itself, or of an entry of metadata. */
export interface StatedProperties {
  readonly at: MailboxAt;
  /** null where nobody knows any more what it was, and it is better gone. */
  readonly properties: Uint8Array | null;
  /** What is lost for good. */
  readonly lost?: Finding;
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
  listener: Pick<MailListener, "found" | "misstated">,
): Promise<AccountHead> {
  const { account } = head;
  const mailboxes: MailboxHead[] = [];
  for (const box of head.mailboxes) {
    const { mailbox, modSeq, properties } = box;
    const { records } = await driver.log(account, cursor(modSeq - 1), { mailbox, limit: 1 });
    const stated = records[0]?.parts.findLast((part) => part.mailbox === mailbox)?.head?.properties ?? properties;
    mailboxes.push({ ...box, properties: stated });
    if (Buffer.compare(stated, properties) !== 0) misstate(listener, { account, mailbox }, stated);
  }
  const known = { ...head, mailboxes: await withNames(driver, { ...head, mailboxes }, listener) };
  await checkNumbers(driver, known, listener);
  return known;
}

function misstate(
  { found, misstated }: Pick<MailListener, "found" | "misstated">,
  at: MailboxAt,
  properties: Uint8Array,
): void {
  found({ what: `mailbox ${at.mailbox} of account ${at.account} is not as its newest change says` });
  misstated({ at, properties });
}

/**
 * Mailboxes that are nothing any more become something again: what an older change says, but for a name that another one has
 * by now, else something new. Entries of metadata are left out.
 */
async function withNames(
  driver: LevelDriver,
  { account, mailboxes: boxes }: AccountHead,
  listener: Pick<MailListener, "found" | "misstated">,
): Promise<MailboxHead[]> {
  const mailboxes = boxes.filter(({ properties }) => properties.length > 0);
  const others = mailboxes.filter(({ mailbox }) => isMailbox(mailbox)).map(decodeProperties);
  // The account itself is the first.
  const lost = boxes.filter(({ properties }) => properties.length === 0);
  const found = await lastProperties(
    driver,
    account,
    lost.map(({ mailbox }) => mailbox),
  );
  for (const box of lost) {
    const at = { account, mailbox: box.mailbox };
    const isNamed = isMailbox(at.mailbox);
    const older = found.get(box.mailbox);
    const name = older === undefined || !isNamed ? undefined : decodeProperties({ properties: older }).name;
    let properties: Uint8Array | null = box.properties;
    if (older !== undefined && others.every((other) => other.name !== name)) {
      misstate(listener, at, (properties = older));
    } else if (at.mailbox !== ACCOUNT_DIRECTORY) {
      properties = nameAnew(at, { directory: directoryOf(mailboxes), others }, listener);
    }
    if (properties === null) continue;
    mailboxes.push({ ...box, properties });
    if (isNamed) others.push(decodeProperties({ properties }));
  }
  return mailboxes;
}

/** null for an entry of metadata. */
function nameAnew(
  at: MailboxAt,
  { directory, others }: { readonly directory: DirectoryProperties; readonly others: readonly MailboxProperties[] },
  { found, misstated }: Pick<MailListener, "found" | "misstated">,
): Uint8Array | null {
  const { account, mailbox } = at;
  const isNamed = isMailbox(mailbox);
  const lost = { what: lossOfProperties(account, mailbox) };
  const properties = isNamed ? encodeProperties(newProperties(mailbox, directory, others)) : null;
  found(lost);
  misstated({ at, properties, lost });
  return properties;
}

/**
 * Where the creation of a mailbox is lost, so is that its id and its UIDVALIDITY were given out. Once more they must not be:
 * the next mailbox would take the place of that one, or have the messages that the log knows of one that was deleted.
 */
async function checkNumbers(
  driver: LevelDriver,
  { account, mailboxes }: AccountHead,
  { found, misstated }: Pick<MailListener, "found" | "misstated">,
): Promise<void> {
  const directory = directoryOf(mailboxes);
  let { mailboxNext, uidValidityLast } = directory;
  for (const box of mailboxes.filter(({ mailbox }) => isMailbox(mailbox))) {
    mailboxNext = Math.max(mailboxNext, box.mailbox + 1);
    uidValidityLast = Math.max(uidValidityLast, decodeProperties(box).uidValidity);
  }
  for (const [, deleted] of await driver.inside.index.entries(mailboxRecordRange(account, DELETIONS, cursor(0))))
    for (const id of decodeDeleted(deleted).filter(isMailbox)) mailboxNext = Math.max(mailboxNext, id + 1);
  if (mailboxNext === directory.mailboxNext && uidValidityLast === directory.uidValidityLast) return;
  found({ what: `account ${account} would give out again what its mailboxes have, up to id ${mailboxNext - 1}` });
  const properties = encodeProperties({ ...directory, mailboxNext, uidValidityLast });
  misstated({ at: { account, mailbox: ACCOUNT_DIRECTORY }, properties });
}

function directoryOf(mailboxes: readonly MailboxHead[]): DirectoryProperties {
  const own = mailboxes.find(({ mailbox }) => mailbox === ACCOUNT_DIRECTORY)?.properties;
  return decodeDirectory(own ?? new Uint8Array(0));
}

/** Puts what was found of mailboxes, and of the account itself, in the place of what their heads say. */
export async function propertyOperations(
  driver: LevelDriver,
  stated: readonly StatedProperties[],
): Promise<Operation[]> {
  const operations: Operation[] = [];
  for (const { at, properties } of stated) {
    const { account, mailbox } = at;
    const { cursor: last, mailboxes } = (await driver.head(account)) as AccountHead;
    if (properties === null) {
      operations.push({ key: mailboxHeadKey(account, mailbox), value: null });
    } else if (!mailboxes.some((box) => box.mailbox === mailbox)) {
      const none = { uidNext: 1, messages: 0, unseen: 0, deleted: 0, bytes: 0, properties };
      const value = encodeMailboxCounters({ mailbox, modSeq: last, guard: last, ...none });
      operations.push({ key: mailboxHeadKey(account, mailbox), value });
    }
    operations.push({ key: propertiesKey(account, mailbox), value: properties });
  }
  return operations;
}
