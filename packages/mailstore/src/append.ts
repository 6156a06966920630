// Messages into mailboxes: staged and scanned as they stream in, appended all or none.
import type { AccountState } from "./account-state.ts";
import { dropsByRights, withoutDrops } from "./by-rights.ts";
import type { StagedBlob } from "./driver.ts";
import { checkFlags } from "./flag-sets.ts";
import type { AccountId, MailboxId, Uid } from "./ids.ts";
import type { AppendedRow } from "./appended-rows.ts";
import { checkKeywordsBrought } from "./keyword-limit.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { encodeSummary } from "./message/encode-summary.ts";
import { MessageScanner } from "./message/scan-message.ts";
import type { MessageSummary } from "./message/summary.ts";
import { Refusal } from "./refusal.ts";
import type { Appended, NewMessage, StagedMessage } from "./store.ts";
import { commitAllDecided, type Committed, type Decided, type StoreContext } from "./store-context.ts";
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

/** What one account gets of a request. */
interface Own {
  readonly number: number;
  readonly account: AccountState;
  readonly draft: TransactionDraft;
  readonly parts: MailboxId[];
}

/** Where a message of the request ended up: the account's transaction, the part of it, the place among its UIDs. */
interface Place {
  readonly transaction: number;
  readonly part: number;
  readonly position: number;
  readonly uidValidity: number;
}

export async function append(context: StoreContext, messages: readonly NewMessage[]): Promise<Appended[]> {
  let places: readonly Place[] = [];
  const committed = await commitAllDecided(context, async () => {
    const decided = await placeAll(context, messages);
    ({ places } = decided);
    return decided.accounts;
  });
  return places.map(({ transaction, part, position, uidValidity }) => {
    const { cursor, firstUids } = committed[transaction] as Committed;
    return { uid: (firstUids[part] as Uid) + position, uidValidity, cursor };
  });
}

/** Decides where each message goes. */
async function placeAll(
  context: StoreContext,
  messages: readonly NewMessage[],
): Promise<{ readonly places: readonly Place[]; readonly accounts: readonly Decided[] }> {
  const drafts = new Map<AccountId, Own>();
  const places: Place[] = [];
  for (const request of messages) {
    const account = await context.accounts.get(request.account);
    const mailbox = account.mailbox(request.mailbox);
    await snapshotCaughtUp(context, mailbox);
    let own = drafts.get(account.id);
    if (own === undefined) {
      own = { number: drafts.size, account, draft: new TransactionDraft(account.id), parts: [] };
      drafts.set(account.id, own);
    }
    const row = appendingRow(context, own.draft, { request, target: mailbox });
    const position = own.draft.append(request.mailbox, request.by ?? "delivery", [row]);
    if (!own.parts.includes(request.mailbox)) own.parts.push(request.mailbox);
    const { uidValidity } = mailbox.properties;
    places.push({ transaction: own.number, part: own.parts.indexOf(request.mailbox), position, uidValidity });
  }
  for (const { account, draft } of drafts.values()) await checkKeywordsBrought(context, account, draft);
  const accounts = Array.from(drafts.values(), ({ account, draft }) => {
    return { account, transaction: draft.finish({ enforceQuota: true }) };
  });
  return { places, accounts };
}

/** A message as it enters a mailbox, its body among those of the transaction. */
export function appendingRow(
  context: StoreContext,
  draft: TransactionDraft,
  { request, target }: { readonly request: NewMessage; readonly target: MailboxState },
): AppendedRow {
  const { message, internalDateMs = context.now() } = request;
  if (!(message instanceof ScannedMessage)) throw new TypeError("a message staged by another store");
  const flags = withoutDrops(request.flags ?? [], dropsByRights(draft, target, request.byRights));
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
