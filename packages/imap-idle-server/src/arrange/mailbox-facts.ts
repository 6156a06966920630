// What is known of the messages of a mailbox: a column for each fact that was asked for, a slot for each message. A UID
// stands for the same message for ever, so that nothing in here grows old.
import type { MessageDetails, Uid } from "@pushmail/mailstore";
import { FACTS, type FactName } from "./message-facts.ts";
import { TextPool } from "./text-pool.ts";

/** The tables and lists, empty. */
const EMPTY_BYTES = 500;
/** A UID in both directions. */
const SLOT_BYTES = 48;
const NUMBER_BYTES = 8;
const UNKNOWN = NaN;
const NO_SLOT = -1;

export class MailboxFacts {
  readonly texts: TextPool = new TextPool();
  readonly #uids: Uid[] = [];
  readonly #slots = new Map<Uid, number>();
  readonly #columns = new Map<FactName, number[]>();

  /** Of how many messages something is known. */
  get messages(): number {
    return this.#uids.length;
  }

  /** About as much as is held. */
  get bytes(): number {
    return EMPTY_BYTES + this.texts.bytes + this.messages * (SLOT_BYTES + NUMBER_BYTES * this.#columns.size);
  }

  /** Takes in what is to be known of a message. */
  learn(message: MessageDetails, names: readonly FactName[]): void {
    const slot = this.#slots.get(message.uid) ?? this.#add(message.uid);
    for (const name of names) {
      const column = this.#column(name);
      if (Number.isNaN(column[slot])) column[slot] = FACTS[name].of(message, this.texts);
    }
  }

  /** Those of the messages of which not all is known. */
  lacking(uids: Uint32Array, names: readonly FactName[]): Uint32Array {
    const slots = this.#slotsOf(uids);
    const columns = names.map((name) => this.#column(name));
    const isKnown = (slot: number): boolean =>
      slot !== NO_SLOT && columns.every((column) => !Number.isNaN(column[slot]));
    return uids.filter((_, i) => !isKnown(slots[i] as number));
  }

  /** A fact of messages of which it is known. */
  valuesOf(uids: Uint32Array, name: FactName): Float64Array {
    const column = this.#column(name);
    const slots = this.#slotsOf(uids);
    const values = new Float64Array(slots.length);
    for (let i = 0; i < slots.length; i++) values[i] = column[slots[i] as number] as number;
    return values;
  }

  #add(uid: Uid): number {
    const slot = this.#uids.push(uid) - 1;
    this.#slots.set(uid, slot);
    for (const column of this.#columns.values()) column.push(UNKNOWN);
    return slot;
  }

  #column(name: FactName): number[] {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#uids.map(() => UNKNOWN)));
    return column;
  }

  /** The slots of messages, or that there is none. */
  #slotsOf(uids: Uint32Array): Int32Array {
    const slots = new Int32Array(uids.length);
    let slot = NO_SLOT;
    for (let i = 0; i < uids.length; i++) {
      const uid = uids[i] as Uid;
      // Mostly they were learned in this order.
      slot = this.#uids[slot + 1] === uid ? slot + 1 : (this.#slots.get(uid) ?? NO_SLOT);
      slots[i] = slot;
    }
    return slots;
  }
}
