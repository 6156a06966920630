// What can be done about an account's app passwords: make one, list them, take one back.
import type { MailStore } from "@pushmail/mailstore";
import type { MaintenanceResult } from "./maintenance-command.ts";

export interface AppPasswordRequest {
  readonly address: string;
  /** Undefined to list them. */
  readonly name: string | undefined;
  readonly remove: boolean;
}

export interface AppPasswordAnswer {
  readonly code: MaintenanceResult;
  readonly out: string;
  readonly complaint?: string;
}

export async function changeAppPasswords(
  store: MailStore,
  { address, name, remove }: AppPasswordRequest,
): Promise<AppPasswordAnswer> {
  const account = await store.findAccount(address);
  if (account === undefined) throw new Error(`there is no account ${address}`);
  if (name === undefined) {
    const all = await store.appPasswords(account.id);
    const lines = all.map((known) => `${new Date(known.createdAtMs).toISOString()}  ${known.name}\n`);
    return { code: 0, out: lines.join("") };
  }
  if (!remove) return { code: 0, out: `${await store.addAppPassword(account.id, name)}\n` };
  if (await store.removeAppPassword(account.id, name)) return { code: 0, out: "" };
  return { code: 1, out: "", complaint: `there is none of the name ${JSON.stringify(name)}` };
}
