// Dovecot from Debian, set up as its experts do: sdbox, inotify, warm login processes, no limits, an auth cache.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "../line-client.ts";
import type { Peer, PeerOptions } from "../peer.ts";
import { freePort, PASSWORD, usersOf } from "./accounts.ts";
import { acceptsLogins } from "./accepts-logins.ts";
import { ProcessTree } from "./process-tree.ts";
import { requireProgram, raiseSysctl } from "./system.ts";

/** Each idle session that is not hibernated watches its index with an inotify instance of its own. */
const INOTIFY_INSTANCES = 20_000;
/** Sessions, each a process of its own, that it must have room for. */
const SESSIONS_MAX = 12_000;
/** Connections of one process, below the open files that are commonly allowed. */
const CONNECTIONS_MAX = 19_000;

export async function startDovecot(options: PeerOptions = {}): Promise<Peer> {
  requireProgram("dovecot");
  raiseSysctl("fs.inotify.max_user_instances", INOTIFY_INSTANCES);
  const directory = mkdtempSync(join(tmpdir(), "bench-dovecot-"));
  chmodSync(directory, 0o755);
  const mail = join(directory, "mail");
  mkdirSync(mail);
  execFileSync("chown", ["-R", "nobody:nogroup", mail]);
  const passwd = usersOf(options).map((user) => `${user}:{PLAIN}${PASSWORD}\n`);
  writeFileSync(join(directory, "passwd"), passwd.join(""), { mode: 0o644 });
  const [imap, lmtp, imaps] = [await endpoint(), await endpoint(), await endpoint()];
  if (options.tls === true) makeCertificate(directory);
  const configuration = join(directory, "dovecot.conf");
  const ports: Ports = { imap: imap.port, lmtp: lmtp.port, imaps: imaps.port };
  writeFileSync(configuration, configurationOf(directory, ports, options));
  const start = async (): Promise<ProcessTree> => {
    const tree = ProcessTree.start(["dovecot", "-F", "-c", configuration]);
    await acceptsLogins(tree, { imap, lmtp });
    return tree;
  };
  let tree = await start();
  return {
    name: "dovecot",
    lmtp,
    imap,
    imaps: options.tls === true ? imaps : null,
    directory: mail,
    usage: async () => tree.usage(),
    async restart(how) {
      await tree.end(how);
      tree = await start();
    },
    async end() {
      await tree.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function endpoint(): Promise<Endpoint> {
  return { host: "127.0.0.1", port: await freePort() };
}

function makeCertificate(directory: string): void {
  const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "certificate.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", "-subj", "/CN=localhost", ...kind, ...files], { stdio: "ignore" });
}

interface Ports {
  readonly imap: number;
  readonly imaps: number;
  readonly lmtp: number;
}

function configurationOf(directory: string, ports: Ports, { manyIdle, tls }: PeerOptions): string {
  return `
base_dir = ${directory}/run
log_path = ${directory}/log
protocols = imap lmtp
listen = 127.0.0.1
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = sdbox:~/sdbox
mail_uid = nobody
mail_gid = nogroup
mail_max_userip_connections = 0
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
default_process_limit = 1000
default_client_limit = ${CONNECTIONS_MAX}
default_vsz_limit = 0
auth_cache_size = 10M
lmtp_save_to_detail_mailbox = no
passdb {
  driver = passwd-file
  args = ${directory}/passwd
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${directory}/mail/%u
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  chroot =
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${tls === true ? ports.imaps : 0}
    ssl = yes
  }
}
service imap {
  service_count = 256
  process_limit = ${SESSIONS_MAX}
  process_min_avail = 16
  unix_listener imap-master {
    user = nobody
  }
}
service lmtp {
  process_min_avail = 4
  inet_listener lmtp {
    port = ${ports.lmtp}
  }
}
service anvil {
  chroot =
}
${manyIdle === true ? HIBERNATION : ""}
${tls === true ? tlsOf(directory) : "ssl = no"}
`;
}

const HIBERNATION = `
imap_hibernate_timeout = 1s
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0666
  }
}
`;

function tlsOf(directory: string): string {
  return `ssl = yes\nssl_cert = <${directory}/certificate.pem\nssl_key = <${directory}/key.pem\n`;
}
