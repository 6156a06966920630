// Copy, move and expunge: whole sets in one transaction, all or nothing.
import { originOf } from "./chunk-codec.ts";
import { readDetails, readMetadata } from "./cold-rows.ts";
import type { Transaction } from "./driver.ts";
import { deletedUids } from "./flags.ts";
import { kindOfFlag, type FlagKind } from "./flag-sets.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { AppendedRow } from "./log-record.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { Expunged, MailboxAt, MessageMetadata, TransferOptions, Transferred, WorkOptions } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { countsOf, TransactionDraft } from "./transaction-draft.ts";
import { EMPTY_UID_SET, uidSetOf, type UidSet } from "./uid-set.ts";

export interface TransferRequest {
  readonly uids: UidSet;
  readonly to: MailboxAt;
  readonly mode: "copy" | "move";
  readonly options?: TransferOptions | undefined;
}

export async function transfer(context: StoreContext, at: MailboxAt, request: TransferRequest): Promise<Transferred> {
  const account = await context.accounts.get(at.account);
  const source = account.mailbox(at.mailbox);
  return inTurn(context, source, async (contents) => {
    let rows: SourceRow[] = [];
    let position = 0;
    const committed = await commitDecided(context, account, async () => {
      account.mailbox(request.to.mailbox);
      const { guard } = source.head;
      rows = await sourceRows(context, source, contents, { ...request.options, uids: request.uids });
      if (rows.length === 0) return null;
      for (const { row } of rows) context.copiedWhileCounting?.add(row.blob);
      const draft = new TransactionDraft(account.id);
      position = draft.append(
        request.to.mailbox,
        request.mode,
        rows.map((row) => appendedRow(row, request.options?.drops)),
      );
      if (request.mode === "move") expungeRows(draft, source, rows, { by: "move", guard });
      return draft.finish({ enforceQuota: request.mode === "copy" });
    });
    const target = account.mailboxes.get(request.to.mailbox);
    const uidValidity = target?.properties.uidValidity ?? 0;
    if (committed === null) return { cursor: account.cursor, uidValidity, from: [], to: [] };
    // The part of the target is the first one: the draft keeps the order of its making.
    const first = (committed.firstUids[0] as Uid) + position;
    return {
      cursor: committed.cursor,
      uidValidity,
      from: rows.map(({ row }) => row.uid),
      to: rows.map((_, i) => first + i),
    };
  });
}

export async function expunge(
  context: StoreContext,
  at: MailboxAt,
  uids: UidSet,
  options?: WorkOptions,
): Promise<Expunged> {
  const account = await context.accounts.get(at.account);
  const mailbox = account.mailbox(at.mailbox);
  return inTurn(context, mailbox, async (contents) => {
    let gone: UidSet = EMPTY_UID_SET;
    const committed = await commitDecided(context, account, async (): Promise<Transaction | null> => {
      account.mailbox(at.mailbox);
      const { guard } = mailbox.head;
      gone = deletedUids(contents, uids);
      if (gone.length === 0) return null;
      const rows = await sourceRows(context, mailbox, contents, { ...options, uids: gone, summaries: false });
      const draft = new TransactionDraft(account.id);
      expungeRows(draft, mailbox, rows, { by: "expunge", guard });
      return draft.finish({ enforceQuota: false });
    });
    return { cursor: committed?.cursor ?? account.cursor, uids: gone };
  });
}

/** A message as it stands before a transaction. */
export interface SourceRow {
  readonly row: MessageMetadata;
  readonly flags: readonly string[];
  readonly summary: Uint8Array | null;
}

interface SourceOptions extends WorkOptions {
  readonly uids: UidSet;
  readonly summaries?: boolean;
}

/** The messages of a set, with their summaries up to a bound on the bytes that a record carries. */
export async function sourceRows(
  context: StoreContext,
  source: MailboxState,
  contents: MailboxContents,
  { uids, summaries = true, onRead }: SourceOptions,
): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  const { columns } = contents;
  const add = (row: MessageMetadata, summary: Uint8Array | null): void => {
    const place = columns.rowOf(row.uid);
    if (place >= 0) rows.push({ row, flags: columns.flagsAt(place).names, summary });
  };
  let summaryBytes = 0;
  let after = 0;
  if (summaries) {
    for await (const batch of readDetails(context, source.at, contents, uids)) {
      for (const row of batch) {
        const { encoded } = row.summary;
        summaryBytes += encoded.length;
        add(row, encoded);
        after = row.uid;
      }
      onRead?.(rows.length);
      if (summaryBytes > context.limits.copiedSummaryBytesMax) break;
    }
  }
  const rest = uids.flatMap(([first, last]) => (last <= after ? [] : [[Math.max(first, after + 1), last] as const]));
  for await (const batch of readMetadata(context, source.at, contents, rest)) {
    for (const row of batch) add(row, null);
    onRead?.(rows.length);
  }
  return rows;
}

export function appendedRow({ row, flags, summary }: SourceRow, drops: readonly FlagKind[] = []): AppendedRow {
  return {
    flags: drops.length === 0 ? flags : flags.filter((flag) => !drops.includes(kindOfFlag(flag))),
    internalDateMs: row.internalDateMs,
    sizeBytes: row.sizeBytes,
    origin: originOf(row.emailId),
    body: { blob: row.blob },
    summary,
  };
}

/** `guard` is the mailbox' as it was before its rows were read. */
export function expungeRows(
  draft: TransactionDraft,
  mailbox: MailboxState,
  rows: readonly SourceRow[],
  { by, guard }: { readonly by: "expunge" | "move"; readonly guard: Cursor },
): void {
  const counts = countsOf(rows.map(({ row, flags }) => ({ flags, sizeBytes: row.sizeBytes })));
  const uids = uidSetOf(rows.map(({ row }) => row.uid));
  draft.expunge(mailbox.at.mailbox, guard, { uids, by, counts });
}
