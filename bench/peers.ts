// The servers that a benchmark runs side by side, each in processes of its own on loopback, with the same accounts.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LineClient, type Endpoint } from "./line-client.ts";
import { freePort } from "./peers/accounts.ts";

/** Accounts of every peer; a scenario takes a fresh one where a used mailbox would change what is measured. */
export const USERS: readonly string[] = Array.from({ length: 100 }, (_, i) => `bench${i}@localhost`);
export const PASSWORD = "bench";

export interface Peer {
  readonly name: string;
  readonly lmtp: Endpoint;
  readonly imap: Endpoint;
  /** Where its data lies. */
  readonly directory: string;
  end(): Promise<void>;
}

/** pushmail as built, with its durable store. */
export async function startPushmailPeer(): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), "bench-pushmail-"));
  const users = join(directory, "users");
  writeFileSync(users, USERS.map((user) => `${user}:${PASSWORD}\n`).join(""));
  const off = ["smtp", "submission", "submissions", "imaps"].flatMap((name) => [`--${name}`, "off"]);
  const child = spawn(
    process.execPath,
    ["packages/pushmail/dist/main.js", "serve", "--data", join(directory, "data"), "--users", users].concat(
      ["--lmtp", "0", "--imap", "0", "--log-level", "warn"],
      off,
    ),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const { lmtp, imap } = JSON.parse(line.slice("ready ".length)) as { lmtp: Endpoint; imap: Endpoint };
  return { name: "pushmail", lmtp, imap, directory, end: () => endOf(child, directory) };
}

/** Dovecot from Debian (dovecot-imapd, dovecot-lmtpd), set up as its experts do: sdbox, inotify, warm login processes. */
export async function startDovecotPeer(): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), "bench-dovecot-"));
  chmodSync(directory, 0o755);
  const mail = join(directory, "mail");
  mkdirSync(mail);
  execFileSync("chown", ["-R", "nobody:nogroup", mail]);
  const [imapPort, lmtpPort] = [await freePort(), await freePort()];
  const passwd = USERS.map((user) => `${user}:{PLAIN}${PASSWORD}\n`).join("");
  writeFileSync(join(directory, "passwd"), passwd, { mode: 0o644 });
  const configuration = join(directory, "dovecot.conf");
  writeFileSync(configuration, dovecotConfiguration({ directory, imapPort, lmtpPort }));
  const child = spawn("dovecot", ["-F", "-c", configuration], { stdio: ["ignore", "inherit", "inherit"] });
  const [imap, lmtp] = [imapPort, lmtpPort].map((port) => ({ host: "127.0.0.1", port })) as [Endpoint, Endpoint];
  await accepting(imap);
  await accepting(lmtp);
  return { name: "dovecot", lmtp, imap, directory: mail, end: () => endOf(child, directory) };
}

function dovecotConfiguration(of: { directory: string; imapPort: number; lmtpPort: number }): string {
  return `
base_dir = ${of.directory}/run
log_path = ${of.directory}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = sdbox:~/sdbox
mail_uid = nobody
mail_gid = nogroup
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
auth_cache_size = 10M
passdb {
  driver = passwd-file
  args = ${of.directory}/passwd
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${of.directory}/mail/%u
}
service imap-login {
  service_count = 0
  chroot =
  inet_listener imap {
    port = ${of.imapPort}
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${of.lmtpPort}
  }
}
service anvil {
  chroot =
}
`;
}

async function endOf(child: ChildProcess, directory: string): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
  rmSync(directory, { recursive: true, force: true });
}

/** Waits until an endpoint accepts a connection. */
async function accepting(endpoint: Endpoint): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const client = await LineClient.connect(endpoint);
      client.close();
      return;
    } catch {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }
  throw new Error(`nothing listens on port ${endpoint.port}`);
}
