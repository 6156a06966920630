// Dovecot from Debian, set up as its experts do: sdbox, inotify, warm login processes, no limits, an auth cache.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, PeerOptions } from "../peer.ts";
import { PASSWORD, usersOf } from "./accounts.ts";
import { type DaemonEndpoints, freeEndpoints, makeDirectory, startDaemon } from "./daemon.ts";
import { makeCertificate, raiseSysctl, requireProgram } from "./system.ts";

/** Each idle session that is not hibernated watches its index with an inotify instance of its own. */
const INOTIFY_INSTANCES = 20_000;
/** Sessions, each a process of its own, that it must have room for. */
const SESSIONS_MAX = 12_000;
/** Connections of one process, below the open files that are commonly allowed. */
const CONNECTIONS_MAX = 19_000;

export async function startDovecot(options: PeerOptions = {}): Promise<Peer> {
  requireProgram("dovecot");
  raiseSysctl("fs.inotify.max_user_instances", INOTIFY_INSTANCES);
  const directory = makeDirectory("dovecot");
  const mail = join(directory, "mail");
  mkdirSync(mail);
  execFileSync("chown", ["nobody:nogroup", mail]);
  const passwd = usersOf(options).map((user) => `${user}:{PLAIN}${PASSWORD}\n`);
  writeFileSync(join(directory, "passwd"), passwd.join(""));
  if (options.tls === true) makeCertificate(directory);
  const endpoints = await freeEndpoints(options);
  const configuration = join(directory, "dovecot.conf");
  writeFileSync(configuration, configurationOf(directory, endpoints, options));
  const command = ["dovecot", "-F", "-c", configuration];
  return startDaemon({ name: "dovecot", command, endpoints, directory, mail });
}

function configurationOf(directory: string, at: DaemonEndpoints, { manyIdle, compress, tls }: PeerOptions): string {
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
    port = ${at.imap.port}
  }
  inet_listener imaps {
    port = ${at.imaps?.port ?? 0}
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
    port = ${at.lmtp.port}
  }
}
service anvil {
  chroot =
}
${manyIdle === true ? HIBERNATION : ""}
${compress === true ? "protocol imap {\n  mail_plugins = imap_zlib\n}" : ""}
${tls === true ? `ssl_cert = <${directory}/certificate.pem\nssl_key = <${directory}/key.pem` : "ssl = no"}
`;
}

/** Processes whose session hibernates are kept for others, and then end: sooner than after the minute that is usual. */
const HIBERNATION = `
imap_hibernate_timeout = 1s
service imap {
  idle_kill = 3s
}
service imap-hibernate {
  unix_listener imap-hibernate {
    mode = 0666
  }
}
`;
