// Messages that are damaged on the disk: a command passes over them and names them, and all the others are served.
import { StoreDamage, type Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "./command.ts";
import { tellSet } from "./search/tell-set.ts";

export class DamagedMessages {
  readonly #session: Session;
  readonly #uids: Uid[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  get any(): boolean {
    return this.#uids.length > 0;
  }

  /**
   * Throws whatever else a message could not be read for. Returns whether it is still there: one that was expunged
   * meanwhile, whose body compaction has taken, is not damaged.
   */
  async passOver(state: Selected, uid: Uid, error: unknown): Promise<boolean> {
    if (!(error instanceof StoreDamage)) throw error;
    const isThere = state.handle.status !== undefined && (await this.#session.index(state)).rowOf(uid) >= 0;
    if (isThere) this.#add(uid, { err: error });
    return isThere;
  }

  /** Those that are there, though the store has nothing of them but their flags; `met` were told or passed over. */
  async passOverLost(state: Selected, wanted: readonly Uid[], met: readonly Uid[]): Promise<void> {
    if (met.length === wanted.length || state.handle.status === undefined) return;
    const index = await this.#session.index(state);
    const known = new Set(met);
    for (const uid of wanted) if (!known.has(uid) && index.rowOf(uid) >= 0) this.#add(uid);
  }

  #add(uid: Uid, fields: object = {}): void {
    // Of many one is enough for the log: a check finds them all.
    if (!this.any) this.#session.log.error({ ...fields, uid }, "a message is damaged");
    this.#uids.push(uid);
  }

  /** RFC 9051 7.1.2: a warning, whatever becomes of the command. */
  async tell(): Promise<void> {
    if (!this.any) return;
    await this.#session.write("* NO [SERVERBUG] Damaged, and passed over: UID");
    await tellSet(this.#session, " ", this.#uids);
    await this.#session.write("\r\n");
  }
}
