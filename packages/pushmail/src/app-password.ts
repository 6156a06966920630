// `pushmail app-password`: makes, lists and takes back passwords for one program each.
import { type MailStore, openLevelDriver, openMailStore } from "@pushmail/mailstore";
import { requireStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { maintenanceCommand, type MaintenanceResult } from "./maintenance-command.ts";

export const appPassword: CliCommand = maintenanceCommand({
  name: "app-password",
  summary: "make, list and remove an account's app passwords",
  details: `With NAME it makes one, and prints it: it is not told again. Without NAME it lists what there is. The server on the data
directory must be stopped meanwhile; programs that embed pushmail do the same through their store.`,
  flags: ["remove"],
  positionals: ["ADDRESS", "[NAME]"],
  exits: ["done", "there is none of this name"],
  async run({ data, remove, positionals: [address = "", name] }, { stdout, stderr }) {
    if (remove && name === undefined) throw new Error("NAME of the one to remove is missing");
    await requireStore(data);
    const store = openMailStore(await openLevelDriver({ directory: data }));
    try {
      const { code, out, complaint } = await changeAppPasswords(store, { address, name, remove });
      stdout.write(out);
      if (complaint !== undefined) stderr.write(`pushmail app-password: ${complaint}\n`);
      return code;
    } finally {
      await store.close();
    }
  },
});

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
