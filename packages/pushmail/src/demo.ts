// The demo account: made at the first start, the same at every later one, and the lines to paste that show it at work.
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listenerNames, type ServerSettings } from "./settings.ts";
import type { Pushmail } from "./start.ts";
import { provisionUsers } from "./users.ts";

/** Makes sure of the account and says how to reach it. */
export async function openDemo(pushmail: Pushmail, settings: ServerSettings): Promise<string> {
  const address = `demo@${settings.domain[0] ?? "localhost"}`;
  const password = await demoPassword(settings);
  await provisionUsers(pushmail.store, { [address]: password });
  const addresses = listenerNames.map((name) => {
    const at = pushmail[name];
    return `  ${name.padEnd(12)}${at === undefined ? "off" : `${at.host}:${at.port}`}`;
  });
  const where = reachedAt127.has(settings.host) ? "" : ` --host ${settings.host} --starttls --insecure`;
  const { imap, smtp } = pushmail;
  return `
pushmail is up. The demo account is ${address}, its password ${password}
${addresses.join("\n")}
${imap === undefined ? "" : tryLine("See mail arrive", `tail${where} --port ${imap.port} --user ${address} --password ${password}`)}
${smtp === undefined ? "" : tryLine("Send some, in another terminal", `send${where} --smtp-port ${smtp.port} --from me@example.org --to ${address} --subject Hello --text "Here I am"`)}
`;
}

const reachedAt127: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "0.0.0.0", "::"]);

function tryLine(what: string, command: string): string {
  return `${what}:\n  npx pushmail ${command}`;
}

async function demoPassword({ data, memory }: ServerSettings): Promise<string> {
  if (memory) return newPassword();
  const file = join(data, "demo-password");
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept !== "") return kept;
  const made = newPassword();
  await writeFile(file, made, { mode: 0o600 });
  return made;
}

function newPassword(): string {
  return randomBytes(8).toString("hex");
}
