// Cyrus from Debian, unpacked beside: imapd, lmtpd and idled with processes in waiting, as its experts do.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineClient, type Endpoint } from "../line-client.ts";
import type { Peer, PeerOptions } from "../peer.ts";
import { PASSWORD, usersOf } from "./accounts.ts";
import { type DaemonEndpoints, freeEndpoints, makeDirectory, startDaemon } from "./daemon.ts";
import { makeCertificate, raiseSysctl } from "./system.ts";

/** Where install.sh unpacks it. */
const ROOT = join(tmpdir(), "pushmail-bench-debian/cyrus");
const PROGRAMS = join(ROOT, "usr/lib/cyrus/bin");
const ENVIRONMENT = { LD_LIBRARY_PATH: join(ROOT, "usr/lib/x86_64-linux-gnu") };
const ADMIN = "admin";
/** Notices that may wait at idled's socket; with the kernel's 10 many of them are lost. */
const DATAGRAMS = 1024;
const SESSIONS_MAX = 12_000;

export async function startCyrus(options: PeerOptions = {}): Promise<Peer> {
  if (!existsSync(PROGRAMS)) throw new Error("cyrus is not installed: run bench/peers/install.sh");
  raiseSysctl("net.unix.max_dgram_qlen", DATAGRAMS);
  const directory = makeDirectory("cyrus");
  if (options.tls === true) makeCertificate(directory);
  const endpoints = await freeEndpoints(options);
  for (const name of ["lib", "lib/socket", "mail", "run"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "imapd.conf"), settingsOf(directory, options));
  writeFileSync(join(directory, "cyrus.conf"), servicesOf(directory, endpoints));
  const names = usersOf(options).map(nameOf);
  writePasswords(join(directory, "sasldb"), [ADMIN, ...names]);
  execFileSync("chown", ["-R", "nobody:nogroup", directory]);
  const files = ["-C", join(directory, "imapd.conf"), "-M", join(directory, "cyrus.conf")];
  const command = [join(PROGRAMS, "master"), "-p", join(directory, "run/pid"), ...files];
  const mail = join(directory, "mail");
  const peer = await startDaemon({ name: "cyrus", command, environment: ENVIRONMENT, endpoints, directory, mail });
  await createMailboxes(endpoints.imap, names);
  return peer;
}

function nameOf(user: string): string {
  return user.slice(0, user.indexOf("@"));
}

function writePasswords(file: string, names: readonly string[]): void {
  const one = `printf %s ${PASSWORD} | ${ROOT}/usr/sbin/saslpasswd2 -p -c -f ${file} -u localhost "$name"`;
  execFileSync("sh", ["-c", `for name in "$@"; do ${one}; done`, "sh", ...names]);
}

async function createMailboxes(imap: Endpoint, names: readonly string[]): Promise<void> {
  const admin = await LineClient.connect(imap);
  await admin.until((line) => line.startsWith("* OK"));
  for (const command of [`LOGIN ${ADMIN} ${PASSWORD}`, ...names.map((name) => `CREATE user/${name}`)]) {
    admin.write(`a ${command}\r\n`);
    const { line } = await admin.until((reply) => reply.startsWith("a "));
    if (!line.startsWith("a OK")) throw new Error(`cyrus: ${command}: ${line}`);
  }
  admin.close();
}

function settingsOf(directory: string, { tls }: PeerOptions): string {
  return `
configdirectory: ${directory}/lib
defaultpartition: default
partition-default: ${directory}/mail
proc_path: ${directory}/run/proc
mboxname_lockpath: ${directory}/run/lock
idlesocket: ${directory}/run/idle
lmtpsocket: ${directory}/run/lmtp
cyrus_user: nobody
cyrus_group: nogroup
servername: localhost
virtdomains: userid
defaultdomain: localhost
admins: ${ADMIN}
unixhierarchysep: yes
altnamespace: yes
allowplaintext: yes
duplicatesuppression: no
imapidlepoll: 60
maxlogins_per_user: 0
maxlogins_per_host: 0
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${directory}/sasldb
sasl_mech_list: PLAIN
${tls === true ? `tls_server_cert: ${directory}/certificate.pem\ntls_server_key: ${directory}/key.pem` : ""}
`;
}

function servicesOf(directory: string, { imap, lmtp, imaps }: DaemonEndpoints): string {
  const settings = `-C ${directory}/imapd.conf`;
  const service = (name: string, command: string, at: Endpoint): string =>
    `${name} cmd="${PROGRAMS}/${command} ${settings}" listen="${at.host}:${at.port}" ` +
    `prefork=16 maxchild=${SESSIONS_MAX} maxforkrate=1000`;
  return `
START {
  recover cmd="${PROGRAMS}/ctl_cyrusdb ${settings} -r"
  idled cmd="${PROGRAMS}/idled ${settings}"
}
SERVICES {
  ${service("imap", "imapd -U 256", imap)}
  ${imaps === null ? "" : service("imaps", "imapd -s -U 256", imaps)}
  ${service("lmtp", "lmtpd -a -U 256", lmtp)}
}
EVENTS {
  checkpoint cmd="${PROGRAMS}/ctl_cyrusdb ${settings} -c" period=30
}
`;
}
