// `pushmail app-password`: makes, lists and takes back passwords for one program each, while no server runs on the data.
import { parseArgs } from "node:util";
import { type AccountId, type MailStore, openLevelDriver, openMailStore } from "@pushmail/mailstore";
import { requireStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand, CliIo } from "@pushmail/client-cli";

const usage = `pushmail app-password ADDRESS [NAME] --data DIR: passwords for one program each

With NAME it makes one, and prints it: it is not told again. Without NAME it lists what there is. The server on the data
directory must be stopped meanwhile; programs that embed pushmail do the same through their store.

  --data DIR    the data directory (PUSHMAIL_DATA)
  --remove      takes the one of this name back

Exit codes: 0 done  1 there is none of this name  2 it could not run
`;

export const appPassword: CliCommand = {
  name: "app-password",
  summary: "make, list and remove an account's app passwords",
  usage,
  async run(args, io) {
    if (args.includes("--help") || args.includes("-h")) {
      io.stdout.write(usage);
      return 0;
    }
    try {
      return await runOn(optionsOf(args, io), io);
    } catch (error) {
      io.stderr.write(`pushmail app-password: ${(error as Error).message.split("\n")[0]}\n`);
      return 2;
    }
  },
};

interface Options {
  readonly data: string;
  readonly address: string;
  readonly name: string | undefined;
  readonly isRemoval: boolean;
}

function optionsOf(args: readonly string[], { env }: CliIo): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { data: { type: "string" }, remove: { type: "boolean" } },
    strict: true,
    allowPositionals: true,
  });
  const data = values.data ?? env["PUSHMAIL_DATA"] ?? "";
  const [address, name, ...more] = positionals;
  const isRemoval = values.remove === true;
  if (data === "") throw new Error("--data DIR is missing");
  if (address === undefined || more.length > 0) throw new Error("ADDRESS and at most one NAME are expected");
  if (isRemoval && name === undefined) throw new Error("NAME of the one to remove is missing");
  return { data, address, name, isRemoval };
}

async function runOn({ data, address, ...wanted }: Options, io: CliIo): Promise<0 | 1> {
  await requireStore(data);
  const store = openMailStore(await openLevelDriver({ directory: data }));
  try {
    const account = await store.findAccount(address);
    if (account === undefined) throw new Error(`there is no account ${address}`);
    return await carryOut(store, account.id, { ...wanted, ...io });
  } finally {
    await store.close();
  }
}

async function carryOut(
  store: MailStore,
  account: AccountId,
  { name, isRemoval, stdout, stderr }: Pick<Options, "name" | "isRemoval"> & CliIo,
): Promise<0 | 1> {
  if (name === undefined) {
    for (const known of await store.appPasswords(account)) {
      stdout.write(`${new Date(known.createdAtMs).toISOString()}  ${known.name}\n`);
    }
  } else if (!isRemoval) {
    stdout.write(`${await store.addAppPassword(account, name)}\n`);
  } else if (!(await store.removeAppPassword(account, name))) {
    stderr.write(`pushmail app-password: there is none of the name ${JSON.stringify(name)}\n`);
    return 1;
  }
  return 0;
}
