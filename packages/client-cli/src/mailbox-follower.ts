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
import { ReadPosition } from "./read-position.ts";
import type { MailboxPosition } from "./read-position.ts";

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

interface UidRange {
  readonly range: string;
  readonly upTo?: number | undefined;
}

/** Follows one mailbox over one connection after another. */
export class MailboxFollower {
  readonly #options: FollowerOptions;
  #position: ReadPosition | undefined;
  #table: MailboxTable | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.position && new ReadPosition(options.position);
  }

  get mailbox(): string {
    return this.#options.mailbox;
  }

  /** Selects the mailbox and delivers what came since the position. */
  async open(client: ImapFlow): Promise<void> {
    const mailbox = await openMailbox(client, this.#options.mailbox);
    const known = this.#position?.uidValidity === String(mailbox.uidValidity);
    const position = known && this.#position ? this.#position : await this.#begin(client, mailbox);
    if (this.#options.onEvent !== undefined) await this.#openTable(client, mailbox, known ? this.#table : undefined);
    const uids = await searchUids(client, position.next);
    const { fetchChunkMessages } = this.#options.limits;
    for (let at = 0; at < uids.length && !this.#options.signal.aborted; at += fetchChunkMessages) {
      const chunk = uids.slice(at, at + fetchChunkMessages);
      await this.#read(client, position, { range: chunk.join(","), upTo: chunk.at(-1) });
    }
  }

  /** Delivers what came since the last read; the mailbox is open. */
  async readNew(client: ImapFlow): Promise<void> {
    const position = this.#position;
    if (position !== undefined) await this.#read(client, position, { range: `${position.next}:*` });
  }

  /** Decides where to begin in a mailbox that is not the one known from before. */
  async #begin(client: ImapFlow, mailbox: MailboxObject): Promise<ReadPosition> {
    const uidValidity = String(mailbox.uidValidity);
    // RFC 9051 2.3.1.1: with another UIDVALIDITY no UID known from before means anything.
    const renewed = this.#position !== undefined;
    if (renewed) this.#options.notice(`${this.mailbox} was made anew (UIDVALIDITY ${uidValidity}): reading all of it`);
    const uid = renewed || this.#options.fromStart ? 0 : await lastUid(client, mailbox);
    this.#position = new ReadPosition({ uidValidity, uid, above: [] });
    await this.#options.settle(this.#position.toJSON());
    return this.#position;
  }

  /** Delivers what is new among the messages of the range, which are all there are up to a UID. */
  async #read(client: ImapFlow, position: ReadPosition, { range, upTo }: UidRange): Promise<void> {
    const query = { ...this.#options.query, uid: true, flags: true, envelope: true };
    try {
      for await (const row of client.fetch(range, query, { uid: true })) {
        // A row without an envelope was not asked for: the server tells of changed flags in passing.
        if (row.envelope === undefined) this.#tellFlags(row);
        // RFC 9051 6.4.9: "n:*" always holds the last message, be its UID below n.
        else if (!position.has(row.uid)) await this.#deliver(row, position);
        if (this.#options.signal.aborted) return;
      }
      position.complete(upTo);
    } finally {
      await this.#options.settle(position.toJSON());
    }
  }

  async #deliver(mail: FetchMessageObject, position: ReadPosition): Promise<void> {
    if (this.#table !== undefined) this.#put(this.#table, mail);
    await this.#options.deliver(mail, position.uidValidity);
    position.add(mail.uid);
  }

  async #openTable(client: ImapFlow, mailbox: MailboxObject, former: MailboxTable | undefined): Promise<void> {
    const { onEvent } = this.#options;
    this.#checkSize(mailbox.exists);
    const table = new MailboxTable();
    this.#table = table;
    client.on("flags", (event) => this.#tellFlags(event));
    client.on("expunge", (event) => tell(event.seq === undefined ? undefined : table.expunge(event.seq)));
    if (mailbox.exists > 0) {
      for await (const row of client.fetch("1:*", { uid: true, flags: true })) {
        this.#put(table, row);
      }
    }
    if (former !== undefined) for (const event of table.changesSince(former)) tell(event);

    function tell(event: MailboxEvent | undefined): void {
      if (event !== undefined) onEvent?.(event);
    }
  }

  #put(table: MailboxTable, { seq, uid, flags = new Set() }: FetchMessageObject): void {
    this.#checkSize(seq);
    table.put(seq, uid, flags);
  }

  #checkSize(messages: number): void {
    const { eventMessagesMax } = this.#options.limits;
    if (messages <= eventMessagesMax) return;
    const text = `${this.mailbox} holds ${messages} messages, events are told of up to ${eventMessagesMax}`;
    throw new CommandFault(exitCodes.failed, text);
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
  if (!Array.isArray(found)) throw new CommandFault(exitCodes.tryLater, "the IMAP server refuses UID SEARCH");
  return found.filter((uid) => uid >= least).toSorted((a, b) => a - b);
}
