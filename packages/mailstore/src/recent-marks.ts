// From which UID on the messages of a mailbox were announced to no session yet (RFC 3501 2.3.2), as the directory keeps
// it: mailboxes whose ids are near in one entry. Not part of any transaction: to lose it announces them once more.
import type { AccountState } from "./account-state.ts";
import type { AccountHead, DirectoryEntry, StoreDriver } from "./driver.ts";
import { isMailbox, mailboxId, type AccountId, type Uid } from "./ids.ts";
import type { MailboxState } from "./mailbox-state.ts";

/** With thousands in one entry, to leave each of them would write them all each time. */
const MAILBOXES_PER_ENTRY = 64;

export async function readRecentFrom(
  { directory }: StoreDriver,
  { account, mailboxes }: AccountHead,
): Promise<ReadonlyMap<number, Uid>> {
  const groups = new Set(mailboxes.flatMap(({ mailbox }) => (isMailbox(mailbox) ? [groupOf(mailbox)] : [])));
  const stored = await Promise.all(Array.from(groups, (group) => directory.get(keyOf(account, group))));
  return new Map(
    stored.flatMap((value) =>
      value === undefined ? [] : (JSON.parse(Buffer.from(value).toString("utf8")) as [number, Uid][]),
    ),
  );
}

/** Keeps it of mailboxes of an account, where it is another than what was kept. */
export async function saveRecentFrom(
  { directory }: StoreDriver,
  all: readonly { readonly account: AccountState; readonly mailboxes: Iterable<MailboxState> }[],
): Promise<void> {
  const entries = all.flatMap(({ account, mailboxes }) =>
    Array.from(changedGroups(mailboxes), (group) => entryOf(account, group)),
  );
  if (entries.length > 0) await directory.put(entries);
}

function changedGroups(mailboxes: Iterable<MailboxState>): ReadonlySet<number> {
  const groups = new Set<number>();
  for (const { recentFrom, recentFromSaved, at } of mailboxes) {
    if (recentFrom !== recentFromSaved) groups.add(groupOf(at.mailbox));
  }
  return groups;
}

function entryOf({ id, mailboxes }: AccountState, group: number): DirectoryEntry {
  const marks: (readonly [number, Uid])[] = [];
  const first = group * MAILBOXES_PER_ENTRY;
  for (let at = first; at < first + MAILBOXES_PER_ENTRY; at++) {
    const mailbox = mailboxes.get(mailboxId(at));
    if (mailbox === undefined) continue;
    mailbox.recentFromSaved = mailbox.recentFrom;
    marks.push([at, mailbox.recentFrom]);
  }
  return { key: keyOf(id, group), value: Buffer.from(JSON.stringify(marks)) };
}

function groupOf(mailbox: number): number {
  return Math.floor(mailbox / MAILBOXES_PER_ENTRY);
}

/** The first entry may be from when it held all of the account. */
function keyOf(account: AccountId, group: number): string {
  return group === 0 ? `recent/${account}` : `recent/${account}/${group}`;
}
