// Messages into mailboxes: staged and scanned as they stream in, appended all or none.
import type { AccountState } from "./account-state.ts";
import type { StagedBlob, Transaction } from "./driver.ts";
import { checkFlags } from "./flag-sets.ts";
import type { AccountId, Uid } from "./ids.ts";
import type { AppendedRow } from "./appended-rows.ts";
import { checkKeywordsBrought } from "./keyword-limit.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { encodeSummary } from "./message/encode-summary.ts";
import { MessageScanner } from "./message/scan-message.ts";
import type { MessageSummary } from "./message/summary.ts";
import { Refusal } from "./refusal.ts";
import type { Appended, NewMessage, StagedMessage } from "./store.ts";
import { refusalOf, type Committed, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";

class ScannedMessage implements StagedMessage {
  readonly summary: MessageSummary;
  readonly encodedSummary: Uint8Array;
  readonly blob: StagedBlob;

  constructor(summary: MessageSummary, blob: StagedBlob) {
    this.summary = summary;
    this.encodedSummary = encodeSummary(summary);
    this.blob = blob;
  }

  get sizeBytes(): number {
    return this.blob.sizeBytes;
  }

  discard(): Promise<void> {
    return this.blob.discard();
  }
}

export async function stage(
  context: StoreContext,
  body: AsyncIterable<Uint8Array>,
  { bytesMax }: { readonly bytesMax: number },
): Promise<StagedMessage> {
  const scanner = new MessageScanner();
  const blob = await context.driver.blobs.stage(scanned(body, scanner, bytesMax));
  return new ScannedMessage(scanner.finish(), blob);
}

async function* scanned(
  body: AsyncIterable<Uint8Array>,
  scanner: MessageScanner,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new Refusal("messageTooLarge", `the message is larger than ${bytesMax} octets`);
    scanner.push(piece);
    yield piece;
  }
}

/** Where a message of the request ended up: the account's draft, the part in it, the place among its UIDs. */
interface Place {
  readonly account: AccountId;
  readonly mailbox: number;
  readonly position: number;
}

export async function append(context: StoreContext, messages: readonly NewMessage[]): Promise<Appended[]> {
  const drafts = new Map<AccountId, { account: AccountState; draft: TransactionDraft; parts: number[] }>();
  const places: Place[] = [];
  const validities: number[] = [];
  for (const request of messages) {
    const account = await context.accounts.get(request.account);
    const mailbox = account.mailbox(request.mailbox);
    await snapshotCaughtUp(context, mailbox);
    let own = drafts.get(account.id);
    if (own === undefined) {
      drafts.set(account.id, (own = { account, draft: new TransactionDraft(account.id), parts: [] }));
    }
    const row = appendingRow(context, own.draft, request);
    const position = own.draft.append(request.mailbox, request.by ?? "delivery", [row]);
    if (!own.parts.includes(request.mailbox)) own.parts.push(request.mailbox);
    places.push({ account: account.id, mailbox: own.parts.indexOf(request.mailbox), position });
    validities.push(mailbox.properties.uidValidity);
  }
  for (const { account, draft } of drafts.values()) await checkKeywordsBrought(context, account, draft);
  const accounts = [...drafts.keys()];
  const committed = await commitAll(
    context,
    Array.from(drafts.values(), ({ draft }) => draft.finish({ enforceQuota: true })),
  );
  return places.map(({ account, mailbox, position }, i) => {
    const { cursor, firstUids } = committed[accounts.indexOf(account)] as Committed;
    return { uid: (firstUids[mailbox] as Uid) + position, uidValidity: validities[i] as number, cursor };
  });
}

/** A message as it enters a mailbox, its body among those of the transaction. */
export function appendingRow(
  context: StoreContext,
  draft: TransactionDraft,
  { message, flags = [], internalDateMs = context.now() }: NewMessage,
): AppendedRow {
  if (!(message instanceof ScannedMessage)) throw new TypeError("a message staged by another store");
  checkFlags(flags, context.limits);
  const { sizeBytes, encodedSummary } = message;
  const body = { staged: draft.blob(message.blob) };
  return { flags, internalDateMs, sizeBytes, origin: null, body, summary: encodedSummary };
}

/** Waits where far more came than the snapshot under way covers. One that fails is told elsewhere. */
async function snapshotCaughtUp(context: StoreContext, mailbox: MailboxState): Promise<void> {
  const bytes = mailbox.contents?.tail.recordBytes ?? 0;
  if (bytes > context.limits.tailBytesStallMax) await mailbox.snapshotRunning?.catch(() => undefined);
}

async function commitAll(context: StoreContext, transactions: readonly Transaction[]): Promise<Committed[]> {
  const results = await context.driver.commit(transactions, { allOrNone: true });
  const committed: Committed[] = [];
  for (const result of results) {
    if (result.ok) committed.push(result);
    else if (result.why !== "sibling") throw refusalOf(result.why);
  }
  return committed;
}
