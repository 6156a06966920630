// `pushmail app-password`: makes, lists and takes back passwords for one program each; where a server runs on the data, that
// does it.
import { openLevelDriver, openMailStore } from "@pushmail/mailstore";
import { requireStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { changeAppPasswords, type AppPasswordAnswer, type AppPasswordRequest } from "./app-passwords.ts";
import { askServer } from "./control-socket.ts";
import { maintenanceCommand } from "./maintenance-command.ts";

export const appPassword: CliCommand = maintenanceCommand({
  name: "app-password",
  summary: "make, list and remove an account's app passwords",
  details: `With NAME it makes one, and prints it: it is not told again. Without NAME it lists what there is. A server may run on the
data directory meanwhile: it is asked to do it.`,
  flags: ["remove"],
  positionals: ["ADDRESS", "[NAME]"],
  exits: ["done", "there is none of this name"],
  async run({ data, remove, positionals: [address = "", name] }, { stdout, stderr }) {
    if (remove && name === undefined) throw new Error("NAME of the one to remove is missing");
    await requireStore(data);
    const { code, out, complaint } = await carryOut(data, { address, name, remove });
    stdout.write(out);
    if (complaint !== undefined) stderr.write(`pushmail app-password: ${complaint}\n`);
    return code;
  },
});

async function carryOut(data: string, request: AppPasswordRequest): Promise<AppPasswordAnswer> {
  const asked = await askServer(data, request);
  if (asked !== undefined) return asked;
  const store = openMailStore(await openLevelDriver({ directory: data }));
  try {
    return await changeAppPasswords(store, request);
  } finally {
    await store.close();
  }
}
