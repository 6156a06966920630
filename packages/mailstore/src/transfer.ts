// Copy, move and expunge: whole sets in one transaction, all or nothing.
import { askRights, dropsByRights, withoutDrops } from "./by-rights.ts";
import { originOf } from "./chunk-codec.ts";
import { readDetails, readMetadata } from "./cold-rows.ts";
import type { Transaction } from "./driver.ts";
import { deletedUids } from "./flags.ts";
import type { FlagKind } from "./flag-sets.ts";
import { giveWay } from "./give-way.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { AppendedRow } from "./appended-rows.ts";
import { checkKeywordsBrought } from "./keyword-limit.ts";
import { lossOf, lostOf, withLost } from "./lost-rows.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type {
  ChangeOptions,
  Expunged,
  MailboxAt,
  MessageMetadata,
  TransferOptions,
  Transferred,
  WorkOptions,
} from "./store.ts";
import { commitDecided, inTurn, refusalOf, type StoreContext } from "./store-context.ts";
import { addCounts, countedOf, countsOf, NO_COUNTS, TransactionDraft, type Counts } from "./transaction-draft.ts";
import { EMPTY_UID_SET, uidSetOf, type UidSet } from "./uid-set.ts";

/** Rows that are taken before others get their turn. */
const ROWS_PER_TURN = 2_000;

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
    let from: readonly Uid[] = [];
    let uidValidity = 0;
    const committed = await commitDecided(context, account, async () => {
      const target = account.mailbox(request.to.mailbox);
      ({ uidValidity } = target.properties);
      const { guard } = source.head;
      askRights(source, request.options?.byRightsFrom);
      const draft = new TransactionDraft(account.id);
      const drops = dropsByRights(draft, target, request.options?.byRights);
      const taken = await takeRows({ context, source, contents }, { ...request.options, uids: request.uids }, (rows) =>
        appendCopies(context, draft, { ...request, drops }, rows),
      );
      if (taken.lost.length > 0) throw lossOf(at);
      from = taken.uids;
      if (from.length === 0) return null;
      await checkKeywordsBrought(context, account, draft);
      if (request.mode === "move") expungeRows(draft, source, taken, { by: "move", guard });
      return draft.finish({ enforceQuota: request.mode === "copy" });
    });
    if (committed === null) return { cursor: account.cursor, uidValidity, from: [], to: [] };
    // The part of the target is the first one: the draft keeps the order of its making.
    const first = committed.firstUids[0] as Uid;
    return { cursor: committed.cursor, uidValidity, from, to: from.map((_, i) => first + i) };
  });
}

interface Copying extends Pick<TransferRequest, "mode"> {
  readonly to: Pick<MailboxAt, "mailbox">;
  readonly drops?: readonly FlagKind[];
}

/** Appends messages that lie in the account already. */
export function appendCopies(
  context: StoreContext,
  draft: TransactionDraft,
  { to, mode, drops }: Copying,
  rows: readonly SourceRow[],
): void {
  for (const { row } of rows) context.copiedWhileCounting?.add(row.blob);
  draft.append(
    to.mailbox,
    mode,
    rows.map((row) => appendedRow(row, drops)),
  );
}

export async function expunge(
  context: StoreContext,
  at: MailboxAt,
  uids: UidSet,
  options?: ChangeOptions,
): Promise<Expunged> {
  const account = await context.accounts.get(at.account);
  const mailbox = account.mailbox(at.mailbox);
  return inTurn(context, mailbox, async (contents) => {
    let gone: UidSet = EMPTY_UID_SET;
    const committed = await commitDecided(context, account, async (): Promise<Transaction | null> => {
      account.mailbox(at.mailbox);
      const { guard } = mailbox.head;
      askRights(mailbox, options?.byRights);
      gone = deletedUids(contents, uids);
      if (gone.length === 0) return null;
      const rows = await takeRows({ context, source: mailbox, contents }, { ...options, uids: gone, summaries: false });
      const draft = new TransactionDraft(account.id);
      expungeRows(draft, mailbox, withLost(rows, contents), { by: "expunge", guard });
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

interface Source {
  readonly context: StoreContext;
  readonly source: MailboxState;
  readonly contents: MailboxContents;
}

interface SourceOptions extends WorkOptions {
  readonly uids: UidSet;
  readonly summaries?: boolean;
}

/** Messages: which, and what they are together. */
export interface Rows {
  readonly uids: readonly Uid[];
  readonly counts: Counts;
}

/** Those that were taken, and those that could not be. */
export interface Taken extends Rows {
  readonly lost: UidSet;
}

/** Has the messages of a set taken, some at a time: of very many neither is there all at once nor do others wait. */
export async function takeRows(
  from: Source,
  options: SourceOptions,
  take: (rows: readonly SourceRow[]) => void = () => undefined,
): Promise<Taken> {
  const { context, source, contents } = from;
  const meant = { uids: options.uids, last: contents.columns.uids[contents.columns.count - 1] ?? 0 };
  const uids: Uid[] = [];
  let counts = NO_COUNTS;
  let untilTurn = ROWS_PER_TURN;
  for await (const rows of sourceRows(from, options)) {
    take(rows);
    for (const { row } of rows) uids.push(row.uid);
    counts = addCounts(counts, countsOf(rows.map(({ row, flags }) => ({ flags, sizeBytes: row.sizeBytes }))));
    options.onRead?.(uids.length);
    untilTurn -= rows.length;
    if (untilTurn > 0) continue;
    await giveWay(context.driver);
    untilTurn += ROWS_PER_TURN;
  }
  let lost = lostOf(contents, meant, uids);
  if (lost.length > 0) {
    // They may have gone meanwhile: expunged by another node, or with their mailbox.
    await context.accounts.catchUp(await context.accounts.get(source.at.account));
    if (source.deleted) throw refusalOf("gone");
    lost = lostOf(contents, meant, uids);
  }
  return { uids, counts, lost };
}

/** The messages of a set in batches, with their summaries up to a bound on the bytes that a record carries. */
async function* sourceRows(
  { context, source, contents }: Source,
  { uids, summaries = true }: SourceOptions,
): AsyncGenerator<readonly SourceRow[]> {
  const { columns } = contents;
  const rowsOf = <Row extends MessageMetadata>(
    batch: readonly Row[],
    summaryOf: (row: Row) => Uint8Array | null,
  ): readonly SourceRow[] => {
    const rows: SourceRow[] = [];
    for (const row of batch) {
      const place = columns.rowOf(row.uid);
      if (place >= 0) rows.push({ row, flags: columns.flagsAt(place).names, summary: summaryOf(row) });
    }
    return rows;
  };
  let summaryBytes = 0;
  let after = 0;
  if (summaries) {
    for await (const batch of readDetails(context, source.at, contents, uids)) {
      yield rowsOf(batch, ({ summary }) => summary.encoded);
      for (const { uid, summary } of batch) {
        summaryBytes += summary.encoded.length;
        after = uid;
      }
      if (summaryBytes > context.limits.copiedSummaryBytesMax) break;
    }
  }
  const rest = uids.flatMap(([first, last]) => (last <= after ? [] : [[Math.max(first, after + 1), last] as const]));
  for await (const batch of readMetadata(context, source.at, contents, rest)) {
    yield rowsOf(batch, () => null);
  }
}

export function appendedRow({ row, flags, summary }: SourceRow, drops: readonly FlagKind[] = []): AppendedRow {
  return {
    flags: withoutDrops(flags, drops),
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
  { uids, counts }: Rows,
  { by, guard }: { readonly by: "expunge" | "move"; readonly guard: Cursor },
): void {
  draft.expunge(mailbox.at.mailbox, guard, { uids: uidSetOf(uids), by, counts: countedOf(counts, mailbox.head) });
}
