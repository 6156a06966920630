// Reads what is new in one mailbox, each mail once over any number of connections: by UIDVALIDITY and UID.
import type {
  FetchMessageObject,
  FetchQueryObject,
  FlagsEvent,
  ImapFlow,
  ImapFlowError,
  MailboxObject,
} from "imapflow";
import { CommandFault, exitCodes } from "./command-fault.ts";
import type { ClientLimits } from "./limits.ts";
import { MailboxTable } from "./mailbox-table.ts";
import type { MailboxEvent } from "./mailbox-table.ts";

/** Up to where a mailbox has been read: everything up to `uid`, and the UIDs `above` it. */
export interface MailboxPosition {
  readonly uidValidity: string;
  readonly uid: number;
  readonly above: readonly number[];
}

/** What to follow, and who is told. */
export interface FollowerOptions {
  readonly mailbox: string;
  /** What to fetch of a mail beside its UID, flags and envelope. */
  readonly query: FetchQueryObject;
  /** Where an earlier run ended; without it, `fromStart` decides. */
  readonly position?: MailboxPosition | undefined;
  readonly fromStart: boolean;
  readonly limits: ClientLimits;
  /** Ends the reading after the mail at hand. */
  readonly signal: AbortSignal;
  /** Called for one mail after the other; a mail counts as delivered when it resolves. */
  deliver(mail: FetchMessageObject, uidValidity: string): Promise<void>;
  /** Called when the position has moved. */
  settle(position: MailboxPosition): Promise<void>;
  /** Called for flag changes and expunges, which are looked at only if there is a listener. */
  onEvent?: ((event: MailboxEvent) => void) | undefined;
  notice(text: string): void;
}

/** Follows one mailbox over one connection after another. */
export class MailboxFollower {
  readonly #options: FollowerOptions;
  #position: { uidValidity: string; uid: number } | undefined;
  /** Delivered out of a read that did not come to its end: above the position, and not to be delivered again. */
  #above: Set<number>;
  #table: MailboxTable | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#above = new Set(options.position?.above);
  }

  get mailbox(): string {
    return this.#options.mailbox;
  }

  /** Selects the mailbox and delivers what came since the position. */
  async open(client: ImapFlow): Promise<void> {
    const mailbox = await openMailbox(client, this.#options.mailbox);
    const sameMailbox = await this.#locate(client, mailbox);
    if (this.#options.onEvent !== undefined) await this.#openTable(client, mailbox, sameMailbox);
    const uids = await searchUids(client, this.#uid + 1);
    for (let at = 0; at < uids.length; at += this.#options.limits.fetchChunkMessages) {
      if (this.#options.signal.aborted) return;
      await this.#read(client, uids.slice(at, at + this.#options.limits.fetchChunkMessages).join(","));
    }
  }

  /** Delivers what came since the last read; the mailbox is open. */
  async readNew(client: ImapFlow): Promise<void> {
    await this.#read(client, `${this.#uid + 1}:*`);
  }

  get #uid(): number {
    return this.#position?.uid ?? 0;
  }

  /** Finds out where to begin; says whether the mailbox is the one that was open before. */
  async #locate(client: ImapFlow, mailbox: MailboxObject): Promise<boolean> {
    const uidValidity = String(mailbox.uidValidity);
    if (this.#position?.uidValidity === uidValidity) return true;
    // RFC 9051 2.3.1.1: with another UIDVALIDITY no UID known from before means anything.
    const renewed = this.#position !== undefined;
    if (renewed) this.#options.notice(`${this.mailbox} was made anew (UIDVALIDITY ${uidValidity}): reading all of it`);
    const fromStart = renewed || this.#options.fromStart;
    this.#position = { uidValidity, uid: fromStart ? 0 : await lastUid(client, mailbox) };
    this.#above.clear();
    await this.#settle();
    return false;
  }

  async #read(client: ImapFlow, range: string): Promise<void> {
    const query = { ...this.#options.query, uid: true, flags: true, envelope: true };
    let complete = true;
    try {
      for await (const row of client.fetch(range, query, { uid: true })) {
        await this.#take(row);
        if (!this.#options.signal.aborted) continue;
        complete = false;
        break;
      }
      if (complete) this.#advance();
    } finally {
      await this.#settle();
    }
  }

  async #take(row: FetchMessageObject): Promise<void> {
    // A row without an envelope was not asked for: the server tells of changed flags in passing.
    if (row.envelope === undefined) return this.#tellFlags(row);
    // RFC 9051 6.4.9: "n:*" always holds the last message, be its UID below n.
    if (row.uid <= this.#uid || this.#above.has(row.uid)) return;
    this.#table?.put(row.seq, row.uid, row.flags ?? new Set());
    await this.#options.deliver(row, this.#position?.uidValidity ?? "");
    this.#above.add(row.uid);
  }

  #advance(): void {
    if (this.#position === undefined) return;
    for (const uid of this.#above) this.#position = { ...this.#position, uid: Math.max(this.#position.uid, uid) };
    this.#above.clear();
  }

  async #settle(): Promise<void> {
    if (this.#position !== undefined) await this.#options.settle({ ...this.#position, above: [...this.#above] });
  }

  async #openTable(client: ImapFlow, mailbox: MailboxObject, sameMailbox: boolean): Promise<void> {
    const { limits, onEvent } = this.#options;
    if (mailbox.exists > limits.eventMessagesMax) {
      const text = `${this.mailbox} holds ${mailbox.exists} messages, events are told of up to ${limits.eventMessagesMax}`;
      throw new CommandFault(exitCodes.failed, text);
    }
    const former = sameMailbox ? this.#table : undefined;
    const table = new MailboxTable();
    this.#table = table;
    client.on("flags", (event) => this.#tellFlags(event));
    client.on("expunge", (event) => tell(event.seq === undefined ? undefined : table.expunge(event.seq)));
    if (mailbox.exists > 0) {
      for await (const row of client.fetch("1:*", { uid: true, flags: true })) {
        table.put(row.seq, row.uid, row.flags ?? new Set());
      }
    }
    if (former !== undefined) for (const event of table.changesSince(former)) tell(event);

    function tell(event: MailboxEvent | undefined): void {
      if (event !== undefined) onEvent?.(event);
    }
  }

  #tellFlags({ seq, flags }: Pick<FlagsEvent, "seq"> & { readonly flags?: Set<string> | undefined }): void {
    const event = flags && this.#table?.changeFlags(seq, flags);
    if (event !== undefined) this.#options.onEvent?.(event);
  }
}

async function openMailbox(client: ImapFlow, name: string): Promise<MailboxObject> {
  try {
    return await client.mailboxOpen(name, { readOnly: true });
  } catch (error) {
    if ((error as ImapFlowError).mailboxMissing !== true) throw error;
    throw new CommandFault(exitCodes.failed, `there is no mailbox "${name}"`);
  }
}

async function lastUid(client: ImapFlow, mailbox: MailboxObject): Promise<number> {
  // RFC 3501 6.3.1: an old server may leave UIDNEXT out.
  const { uidNext } = mailbox as { uidNext?: number };
  return uidNext === undefined ? ((await searchUids(client, 1)).at(-1) ?? 0) : uidNext - 1;
}

async function searchUids(client: ImapFlow, least: number): Promise<readonly number[]> {
  const found = await client.search({ uid: `${least}:*` }, { uid: true });
  if (!Array.isArray(found)) throw new CommandFault(exitCodes.failed, "the IMAP server refuses UID SEARCH");
  return found.filter((uid) => uid >= least).toSorted((a, b) => a - b);
}
