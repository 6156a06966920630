// Messages that become `\Seen` by a FETCH (RFC 9051 6.4.5). Each is told as such with its octets, and marked when these
// were handed out, many at once: what could not be read, or was not told because the client left, stays as it was.
import type { FetchItem } from "@pushmail/imap-wire";
import { uidSetOf, type Uid, type UidSet } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { withAttributes, type FetchedMessage, type FetchPlan } from "./fetch-plan.ts";
import { withSeen } from "./print-flag-set.ts";
import type { SectionValue } from "./section-values.ts";
import { tellMessage } from "./tell-message.ts";
import { itemsOfChange, tellRows } from "./tell-rows.ts";
import { TimeSlice } from "./time-slice.ts";

const SEEN = { mode: "add", flags: ["\\Seen"] } as const;

export class SeenMessages {
  readonly #session: Session;
  readonly #state: Selected;
  readonly #plan: FetchPlan;
  readonly #items: readonly FetchItem[];
  /** RFC 7162 3.2: then the flags are told with the MODSEQ, which is known when they are set. */
  readonly #tellsModSeq: boolean;
  #uids: Uid[] = [];

  constructor(session: Session, state: Selected, plan: FetchPlan) {
    this.#session = session;
    this.#state = state;
    this.#plan = plan;
    this.#tellsModSeq = session.isEnabled("CONDSTORE");
    this.#items = this.#tellsModSeq ? plan.items : withAttributes(plan, ["FLAGS"]);
  }

  /** Whether a message becomes `\Seen` when it is told. */
  includes({ flags }: FetchedMessage): boolean {
    return this.#plan.marksSeen && !flags.seen;
  }

  /** Tells one that does; undefined where there is room for the next one. */
  tell(message: FetchedMessage, sections: readonly SectionValue[]): Promise<void> | undefined {
    const told = this.#tellsModSeq ? message : { ...message, flags: withSeen(message.flags) };
    const full = tellMessage(this.#session, { message: told, items: this.#items, sections });
    if (full !== undefined) return full.then(() => this.#add(message.uid));
    this.#add(message.uid);
    return undefined;
  }

  #add(uid: Uid): void {
    this.#uids.push(uid);
  }

  /** Marks those that were told, once their octets have been taken from us. */
  async mark(): Promise<void> {
    if (this.#uids.length === 0) return;
    const uids = uidSetOf(this.#uids);
    this.#uids = [];
    await this.#session.flush();
    const changed = await this.#set(uids);
    if (this.#tellsModSeq) await this.#tellFlags(changed);
  }

  async #set(uids: UidSet): Promise<UidSet> {
    const at = { account: this.#state.handle.account, mailbox: this.#state.handle.id };
    try {
      const { changed, cursor } = await this.#session.store.setFlags(at, uids, SEEN);
      if (changed.length > 0) this.#session.own(cursor, at);
      return changed;
    } catch (error) {
      // They are not what was told.
      if (!this.#tellsModSeq) await this.#tellFlags(uids);
      throw error;
    }
  }

  async #tellFlags(uids: UidSet): Promise<void> {
    const items = itemsOfChange(this.#session, { silent: false });
    await tellRows(this.#session, this.#state, { uids, items, changedSince: null, slice: new TimeSlice() });
  }
}
