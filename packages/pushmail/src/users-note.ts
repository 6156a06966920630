// Which passwords the users were found to have at the last start, in one hash: to check each takes a quarter of a second.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isScryptOf, type MailStore, type ScryptCost, scryptText } from "@pushmail/mailstore";

/** To check so few takes no longer than to make the note. */
const USERS_MIN = 4;

export class UsersNote {
  readonly #file: string;
  readonly #cost: ScryptCost;

  constructor(directory: string, cost: ScryptCost) {
    this.#file = join(directory, "users-note");
    this.#cost = cost;
  }

  /** Whether they have these passwords, as far as the note tells: false where one of the two, or the note, is another. */
  async fits(store: MailStore, passwords: ReadonlyMap<string, string>): Promise<boolean> {
    if (passwords.size < USERS_MIN) return false;
    try {
      return await isScryptOf(await readFile(this.#file, "utf8"), await statedOf(store, passwords));
    } catch {
      // None yet, or none that can be read: then each is checked.
      return false;
    }
  }

  /** They have these passwords now. */
  async write(store: MailStore, passwords: ReadonlyMap<string, string>): Promise<void> {
    if (passwords.size < USERS_MIN) return;
    const text = await scryptText(await statedOf(store, passwords), this.#cost);
    // It saves time and no more: a start goes on without it.
    await writeFile(this.#file, text, { mode: 0o600 }).catch(() => undefined);
  }
}

/** The passwords with what the store keeps of them: another one that was set meanwhile makes another key. */
async function statedOf(store: MailStore, passwords: ReadonlyMap<string, string>): Promise<string> {
  const stated: unknown[] = [];
  for (const [address, password] of passwords) {
    const { keys } = await store.scramLogin(address, "SHA-256");
    stated.push([address, password, keys.map(({ storedKey }) => storedKey.toString("base64"))]);
  }
  return JSON.stringify(stated);
}
