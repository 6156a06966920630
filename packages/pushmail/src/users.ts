// The accounts that are to exist from the start, and their passwords.
import { readFile } from "node:fs/promises";
import { type MailStore, normalizeAddress, Refusal } from "@pushmail/mailstore";
import type { ServerSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";

/** Creates the accounts that are not there, and gives the others the password named here. */
export async function provisionUsers(store: MailStore, users: ServerSettings["users"]): Promise<void> {
  const entries = typeof users === "string" ? await readUsersFile(users) : Object.entries(users);
  await Promise.all(entries.map(([address, password]) => provision(store, address, password)));
}

async function provision(store: MailStore, address: string, password: string): Promise<void> {
  try {
    const account = await store.findAccount(address);
    if (account?.address !== normalizeAddress(address)) await store.createAccount({ address, password });
    else if (!(await isPasswordOf(store, address, password))) await store.updateAccount(account.id, { password });
  } catch (error) {
    if (error instanceof Refusal) throw new StartFault(`user ${address}: ${error.message}`, { cause: error });
    throw error;
  }
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
    throw new StartFault(`users: ${error.message}`, { cause: error });
  });
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
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
