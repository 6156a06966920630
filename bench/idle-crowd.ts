// Many sessions in IDLE, each on an INBOX that was empty: who was told of how many mails, and when.
import { type Endpoint, type LineClient, openIdle } from "./line-client.ts";
import { PASSWORD } from "./peers/accounts.ts";

const OPENED_AT_ONCE = 16;

/** What became of one wait. */
export interface Told {
  /** When each session was told, in `performance.now()`; undefined where it was not. */
  readonly atMs: readonly (number | undefined)[];
  readonly missed: number;
}

interface Wait {
  readonly messages: number;
  readonly atMs: (number | undefined)[];
  left: number;
  readonly end: (wrong?: Error) => void;
}

export class IdleCrowd {
  readonly #sessions: LineClient[] = [];
  #wait: Wait | null = null;

  /** One session for each of the users, which may be the same. */
  static async open(endpoint: Endpoint, users: readonly string[]): Promise<IdleCrowd> {
    const crowd = new IdleCrowd();
    let next = 0;
    const opener = async (): Promise<void> => {
      while (next < users.length) {
        const index = next++;
        const session = await openIdle(endpoint, users[index] as string, PASSWORD);
        crowd.#sessions[index] = session;
        session.listen((text, atMs) => crowd.#take(index, text, atMs));
      }
    };
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, opener));
    return crowd;
  }

  /** Waits until every session was told of this many messages, or the time is over. */
  told(messages: number, mostMs: number): Promise<Told> {
    return new Promise((resolve, reject) => {
      const end = (wrong?: Error): void => {
        clearTimeout(timer);
        this.#wait = null;
        if (wrong === undefined) resolve({ atMs: wait.atMs, missed: wait.left });
        else reject(wrong);
      };
      const timer = setTimeout(() => end(), mostMs);
      const wait: Wait = { messages, atMs: [], left: this.#sessions.length, end };
      this.#wait = wait;
    });
  }

  close(): void {
    for (const session of this.#sessions) session.close();
  }

  #take(index: number, text: string, atMs: number): void {
    const end = text.lastIndexOf(" EXISTS\r\n");
    if (end < 0) return;
    const messages = Number(text.slice(text.lastIndexOf("* ", end) + 2, end));
    const wait = this.#wait;
    if (wait === null || wait.atMs[index] !== undefined || messages < wait.messages) return;
    if (messages > wait.messages) {
      wait.end(new Error(`told of ${messages} messages where there are ${wait.messages}`));
      return;
    }
    wait.atMs[index] = atMs;
    if (--wait.left === 0) wait.end();
  }
}
