// The accounts that are to exist from the start: their passwords, aliases and quotas.
import { readFile } from "node:fs/promises";
import {
  type AccountInfo,
  type MailStore,
  normalizeAddress,
  normalizeAliases,
  Refusal,
  TaskSlots,
} from "@pushmail/mailstore";
import type { ServerSettings, UserSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";
import type { UsersNote } from "./users-note.ts";

/** Users that are seen to at once: the queue for password checks has an end, and hashing is no quicker with more. */
const USERS_AT_ONCE = 2;

type Step = (store: MailStore, address: string, user: UserSettings) => Promise<void>;

/** Creates the accounts that are not there, and makes the others as they are described here. */
export async function provisionUsers(
  store: MailStore,
  users: ServerSettings["users"],
  note?: UsersNote,
): Promise<void> {
  const given = typeof users === "string" ? await readUsersFile(users) : Object.entries(users);
  const passwords = new Map(given.map(([address, user]) => [address, typeof user === "string" ? user : user.password]));
  const slots = new TaskSlots(USERS_AT_ONCE);
  let hasFailed = false;
  const run = async (step: Step, address: string, user: string | UserSettings): Promise<void> => {
    // The start ends with the first that fails.
    if (hasFailed) return;
    try {
      await step(store, address, asCompared(address, user));
    } catch (error) {
      hasFailed = true;
      throw error instanceof Refusal ? new StartFault(`user ${address}: ${error.message}`, { cause: error }) : error;
    }
  };
  const seen = new Set<string>();
  const checkAddress: Step = async (_, address) => {
    const normal = normalizeAddress(address);
    if (seen.has(normal)) throw new Refusal("accountExists", "is there already");
    seen.add(normal);
  };
  const isNoted = (await note?.fits(store, passwords)) === true;
  const provision: Step = async (_, address, user) => {
    const account = await store.findOwner(address);
    if (account === undefined) return void (await store.createAccount({ address, ...user }));
    const isRight =
      (await isAs(store, account, user)) && (isNoted || (await isPasswordOf(store, address, user.password)));
    if (!isRight) await store.updateAccount(account.id, user);
  };
  // An alias may go from one user to another: it is taken away before it is given.
  for (const step of [checkAddress, takeAliases, provision]) {
    await Promise.all(given.map(([address, user]) => slots.run(() => run(step, address, user))));
  }
  if (!isNoted) await note?.write(store, passwords);
}

/** With its aliases as the store keeps them. */
function asCompared(address: string, user: string | UserSettings): UserSettings {
  if (typeof user === "string") return { password: user };
  if (user.aliases === undefined) return user;
  return { ...user, aliases: normalizeAliases(user.aliases, normalizeAddress(address), { aliasesMax: Infinity }) };
}

async function takeAliases(store: MailStore, address: string, { aliases: wanted }: UserSettings): Promise<void> {
  if (wanted === undefined) return;
  const account = await store.findOwner(address);
  const aliases = account?.aliases.filter((alias) => wanted.includes(alias)) ?? [];
  if (account !== undefined && aliases.length < account.aliases.length)
    await store.updateAccount(account.id, { aliases });
}

/** But for the password. */
async function isAs(store: MailStore, { id, aliases }: AccountInfo, user: UserSettings): Promise<boolean> {
  if (user.aliases?.some((alias) => !aliases.includes(alias))) return false;
  if (user.quotaBytesMax !== undefined || user.quotaMessagesMax !== undefined) {
    const { bytesMax, messagesMax } = await store.quota(id);
    if ((user.quotaBytesMax ?? bytesMax) !== bytesMax) return false;
    if ((user.quotaMessagesMax ?? messagesMax) !== messagesMax) return false;
  }
  return true;
}

async function isPasswordOf(store: MailStore, address: string, password: string): Promise<boolean> {
  try {
    await store.authenticate(address, password);
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.code === "authenticationFailed") return false;
    throw error;
  }
}

/** Lines of `address:password`; blank lines and those that begin with `#` say nothing. A password may contain `:`. */
async function readUsersFile(file: string): Promise<[address: string, password: string][]> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    // What is meant as a line of it may hold a password.
    const isLine = /^[^/\s]+@[^/\s:]+:/.test(file);
    const why = isLine ? "the name of a file is expected, or an object of passwords by address" : error.message;
    throw new StartFault(`users: ${why}`, isLine ? {} : { cause: error });
  });
  const users = new Map<string, string>();
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, address, password] = /^([^:\s]+):(.+)$/.exec(line) ?? [];
    // The line is not repeated: it may hold a password.
    if (address === undefined || password === undefined) throw fault(file, index, "must be address:password");
    if (users.has(address.toLowerCase())) throw fault(file, index, `${address} is there already`);
    users.set(address.toLowerCase(), password);
  }
  return [...users];
}

function fault(file: string, index: number, what: string): StartFault {
  return new StartFault(`${file}:${index + 1}: ${what}`);
}
