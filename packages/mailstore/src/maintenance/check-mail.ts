// Verifies what the index says of accounts, mailboxes and messages: against itself, and against the bodies that are there.
import { ChunkCache } from "../chunk-cache.ts";
import { readDetails, readMetadata } from "../cold-rows.ts";
import { decodeEntry } from "../account-metadata.ts";
import type { AccountHead, MailboxHead } from "../driver.ts";
import { ACCOUNT_DIRECTORY, accountId, cursor, isMailbox, METADATA_FIRST, type AccountId, type Uid } from "../ids.ts";
import { decodeMoved } from "../level/body-reader.ts";
import type { LevelDriver } from "../level/driver.ts";
import { lostKey, movedKey } from "../level/keys.ts";
import { placeOf } from "../level/record.ts";
import { DEFAULT_STORE_LIMITS } from "../limits.ts";
import { lostOf } from "../lost-rows.ts";
import { loadContents, type MailboxContents } from "../mailbox-contents.ts";
import { decodeProperties } from "../mailbox-state.ts";
import { noteOf } from "../sharing.ts";
import type { MailboxAt, MessageMetadata } from "../store.ts";
import type { StoreContext } from "../store-context.ts";
import { TailRoom } from "../tail-rows.ts";
import type { DamagedRecord, SegmentsRead } from "./check-segments.ts";
import type { Finding } from "./finding.ts";
import type { MailboxFault, MailListener } from "./mail-listener.ts";
import { asStated } from "./mend-heads.ts";

export interface MailChecked {
  readonly accounts: number;
  readonly mailboxes: number;
  readonly messages: number;
  /** Messages whose bodies a repair has listed as lost. */
  readonly lost: number;
}

export class MailCheck {
  readonly #driver: LevelDriver;
  readonly #read: SegmentsRead;
  readonly #listener: MailListener;
  readonly #context: StoreContext;
  #messages = 0;
  #mailboxes = 0;
  #lost = 0;
  /** Damaged bodies that belong to some message. */
  readonly named: Set<DamagedRecord> = new Set();

  constructor(driver: LevelDriver, read: SegmentsRead, listener: MailListener) {
    this.#driver = driver;
    this.#read = read;
    this.#listener = listener;
    // Reading rows asks for nothing else of it.
    this.#context = { driver, cache: new ChunkCache(DEFAULT_STORE_LIMITS.chunkCacheBytes) } as unknown as StoreContext;
  }

  async run(): Promise<MailChecked> {
    const addresses = await this.#checkDirectory();
    const accounts = new Set<AccountId>(addresses.keys());
    for (const [id] of (await this.#driver.sweep(null)).touched) {
      accounts.add(id);
      if (!addresses.has(id)) this.#listener.found({ what: `account ${id} has mail but no entry in the directory` });
    }
    for (const id of accounts) {
      const head = await this.#driver.head(id);
      // Without one, its creation was cut short; its first login goes on with it.
      if (head !== undefined)
        await this.#checkAccount(await asStated(this.#driver, head, this.#listener), addresses.get(id) ?? `#${id}`);
    }
    return { accounts: accounts.size, mailboxes: this.#mailboxes, messages: this.#messages, lost: this.#lost };
  }

  /** Accounts and addresses must name each other. */
  async #checkDirectory(): Promise<Map<AccountId, string>> {
    const addresses = new Map<AccountId, string>();
    const owners = new Map<string, AccountId>();
    for await (const [key, value] of this.#driver.directory.list("account/")) {
      const { address, aliases } = JSON.parse(textOf(value)) as { address: string; aliases: string[] };
      const id = accountId(Number(key.slice("account/".length)));
      addresses.set(id, address);
      for (const name of [address, ...aliases]) owners.set(name, id);
    }
    for await (const [key, value] of this.#driver.directory.list("address/")) {
      const name = key.slice("address/".length);
      if (owners.get(name) !== Number(textOf(value))) {
        this.#listener.found({ what: `the address ${name} names account ${textOf(value)}, which does not have it` });
      }
      owners.delete(name);
    }
    for (const [name, id] of owners)
      this.#listener.found({ what: `the address ${name} of account ${id} has no entry` });
    return addresses;
  }

  async #checkAccount(head: AccountHead, account: string): Promise<void> {
    await this.#checkLog(head, account);
    let [messages, bytes] = [0, 0];
    for (const box of head.mailboxes) {
      messages += box.messages;
      bytes += box.bytes;
      if (box.modSeq > head.cursor)
        this.#listener.found({ what: `mailbox ${box.mailbox} is ahead of its account`, account });
      if (isMailbox(box.mailbox)) await this.#checkMailbox(head, box, account);
    }
    this.#checkMetadata(head, account);
    await this.#checkNotes(head, account);
    if (messages === head.messages && bytes === head.bytes) return;
    const what = `the account counts ${head.messages} messages of ${head.bytes} bytes, its mailboxes ${messages} of ${bytes}`;
    this.#listener.found({ what, account });
    this.#listener.missummed(head);
  }

  /** Law 2: one contiguous sequence. */
  async #checkLog({ account: id, cursor: last }: AccountHead, account: string): Promise<void> {
    let after = cursor((await this.#driver.log(id, cursor(0), { limit: 1 })).floor);
    while (after < last) {
      const { records } = await this.#driver.log(id, after, { limit: 1_000 });
      for (const record of records) {
        if (record.cursor !== after + 1) {
          this.#listener.found({ what: `the log lacks the changes ${after + 1} to ${record.cursor - 1}`, account });
        }
        after = record.cursor;
      }
      if (records.length > 0) continue;
      this.#listener.found({ what: `the log lacks the changes ${after + 1} to ${last}`, account });
      return;
    }
    if (after > last)
      this.#listener.found({ what: `the log goes on to ${after}, the account only to ${last}`, account });
  }

  async #checkMailbox({ account: id }: AccountHead, head: MailboxHead, account: string): Promise<void> {
    const at = { account: id, mailbox: head.mailbox };
    const { name: mailbox } = decodeProperties(head);
    const whose = { account, mailbox };
    this.#mailboxes++;
    const limits = DEFAULT_STORE_LIMITS;
    const tailRoom = new TailRoom(limits);
    const contents = await loadContents(this.#driver, at, { head: () => head, limits, tailRoom });
    this.#checkUids(contents, head, whose);
    const counted = await this.#checkRows(contents, at, whose);
    for (const name of ["messages", "unseen", "deleted", "bytes"] as const) {
      if (counted[name] === head[name]) continue;
      this.#listener.found({
        what: `the mailbox counts ${name} as ${head[name]}, its rows make ${counted[name]}`,
        ...whose,
      });
      return this.#listener.miscounted({ at, contents, counted });
    }
  }

  #checkMetadata({ mailboxes }: AccountHead, account: string): void {
    const ids = new Set(mailboxes.map((box) => box.mailbox));
    for (const box of mailboxes) {
      if (box.mailbox < METADATA_FIRST) continue;
      const { mailbox, name } = decodeEntry(box.properties);
      if (ids.has(mailbox) || mailbox === ACCOUNT_DIRECTORY) continue;
      this.#listener.found({ what: `the metadata ${name} is of mailbox ${mailbox}, which is not there`, account });
    }
  }

  /** Of whom rights are given to; a note too many is none to wonder at. */
  async #checkNotes({ account: id, mailboxes }: AccountHead, account: string): Promise<void> {
    const identifiers = mailboxes
      .filter(({ mailbox }) => isMailbox(mailbox))
      .flatMap((head) => (decodeProperties(head).rights ?? []).map(({ identifier }) => identifier));
    for (const identifier of new Set(identifiers)) {
      const note = noteOf(identifier, id);
      if ((await this.#driver.directory.get(note.key)) !== undefined) continue;
      this.#listener.found({ what: `what is shared with ${identifier} has no note that leads to it`, account });
      this.#listener.unnoted(note);
    }
  }

  #checkUids({ columns, through }: MailboxContents, { uidNext, modSeq }: MailboxHead, whose: Whose): void {
    let last = 0;
    for (let row = 0; row < columns.count; row++) {
      const uid = columns.uids[row] as Uid;
      if (uid <= last) this.#listener.found({ what: `UID ${uid} stands behind ${last}`, ...whose });
      if (columns.modSeqAt(row) > modSeq) this.#listener.found({ what: "a MODSEQ above the mailbox'", uid, ...whose });
      last = uid;
    }
    if (last >= uidNext) this.#listener.found({ what: `UID ${last} is there, but UIDNEXT is ${uidNext}`, ...whose });
    if (through < modSeq)
      this.#listener.found({ what: `changes from ${through + 1} to ${modSeq} are missing`, ...whose });
  }

  async #checkRows(contents: MailboxContents, at: MailboxAt, whose: Whose): Promise<MailboxFault["counted"]> {
    const { columns } = contents;
    const counted = { messages: columns.count, unseen: 0, deleted: 0, bytes: 0 };
    for (let row = 0; row < columns.count; row++) {
      const flags = columns.flagsAt(row);
      if (!flags.seen) counted.unseen++;
      if (flags.deleted) counted.deleted++;
    }
    const found: Uid[] = [];
    const all = [[1, 2 ** 32 - 1]] as const;
    for await (const rows of readMetadata(this.#context, at, contents, all)) {
      for (const row of rows) {
        found.push(row.uid);
        counted.bytes += row.sizeBytes;
        await this.#checkBody(row, { at, contents, whose });
      }
    }
    this.#messages += found.length;
    if (found.length < columns.count) {
      const what = `of ${columns.count} messages ${columns.count - found.length} have lost their size, date and body`;
      this.#listener.found({ what, ...whose });
      this.#listener.rowless({ at, uids: lostOf(contents, { uids: all, last: all[0][1] }, found) });
    }
    return counted;
  }

  async #checkBody(row: MessageMetadata, place: RowPlace): Promise<void> {
    const { index } = this.#driver.inside;
    const { places, damagedBodies } = this.#read;
    let at = row.blob;
    if (!places.hasSegment(placeOf(at).segment)) {
      const moved = await index.get(movedKey(row.blob));
      if (moved !== undefined) at = decodeMoved(moved);
    }
    const bytes = places.use(at);
    if (bytes === row.sizeBytes) return;
    const damaged = damagedBodies.get(at);
    if (damaged !== undefined) this.named.add(damaged);
    if ((await index.get(lostKey(row.blob))) !== undefined) return void this.#lost++;
    const { segment, offset } = placeOf(at);
    const where = damaged?.damage ?? {
      what: bytes === undefined ? "the body is missing" : `the body has ${bytes} bytes, the message ${row.sizeBytes}`,
      file: this.#driver.inside.segments.path(segment),
      offset,
    };
    const finding = { what: where.what, file: where.file, offset: where.offset, ...place.whose, uid: row.uid };
    const named = { ...finding, ...(await this.#envelopeOf(row, place)) };
    this.#listener.found(named);
    this.#listener.lost({ blob: row.blob, place: at, finding: named });
  }

  /** What the summary says; it is kept apart from the body. */
  async #envelopeOf(
    { uid }: MessageMetadata,
    { at, contents }: RowPlace,
  ): Promise<Pick<Finding, "subject" | "messageId">> {
    try {
      for await (const [details] of readDetails(this.#context, at, contents, [[uid, uid]])) {
        const { subject, messageId } = details?.summary.envelope ?? {};
        return { ...(subject ? { subject } : {}), ...(messageId ? { messageId } : {}) };
      }
    } catch {
      // Made from the body, where it was not kept.
    }
    return {};
  }
}

interface Whose {
  readonly account: string;
  readonly mailbox: string;
}

interface RowPlace {
  readonly at: MailboxAt;
  readonly contents: MailboxContents;
  readonly whose: Whose;
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString("utf8");
}
