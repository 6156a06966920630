// Real mail clients from Debian against the built server, as their users run them.
// test/clients/install.sh installs them; where one is missing its test is left out, and says so.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { within } from "../support/deadline.ts";
import type { Address } from "../support/server-process.ts";
import { ClientServer, clientTest, PASSWORD } from "./client-server.ts";

const run = promisify(execFile);
const NAMES = ["curl", "swaks", "mbsync", "mutt", "neomutt", "fetchmail", "gsasl", "python3"] as const;

const ISSUER = "https://id.example.org";

let tokenKeys: Awaited<ReturnType<typeof generateKeyPair>>;
let server: ClientServer;
let imap: Address;
let imaps: Address;
let smtp: Address;
let submission: Address;

beforeAll(async () => {
  tokenKeys = await generateKeyPair("ES256");
  server = await ClientServer.start(NAMES, async (directory) => {
    const keys = join(directory, "keys.json");
    await writeFile(keys, JSON.stringify({ keys: [await exportJWK(tokenKeys.publicKey)] }));
    return ["--oauth-issuer", ISSUER, "--oauth-audience", "mail", "--oauth-keys", keys];
  });
  ({ imap, imaps, smtp, submission } = server);
});

afterAll(() => server.end());

const client = clientTest<(typeof NAMES)[number]>;

/** The last change of every mailbox, in the server's words. */
async function cursors(user: string): Promise<readonly string[]> {
  const session = await server.open(user);
  const told: string[] = [];
  for (const mailbox of ["INBOX", '"Made here"', "Sent", "Trash"]) {
    told.push(...(await session.ok(`STATUS ${mailbox} (UIDNEXT HIGHESTMODSEQ)`)));
  }
  session.close();
  return told;
}

describe("a mail client", () => {
  client("curl", "sends by SMTP and submission, lists, reads, appends and searches by IMAP", async (user) => {
    const file = join(await server.scratch("curl"), "mail");
    await writeFile(file, `From: ${user}\r\nTo: ${user}\r\nSubject: by curl\r\n\r\nhello\r\n`);
    const login = ["-sS", "-u", `${user}:${PASSWORD}`];
    const envelope = ["--mail-from", user, "--mail-rcpt", user, "-T", file];
    await run("curl", ["-sS", `smtp://${smtp.host}:${smtp.port}`, ...envelope]);
    await run("curl", [...login, "-k", "--ssl-reqd", `smtp://${submission.host}:${submission.port}`, ...envelope]);
    const url = `imap://${imap.host}:${imap.port}`;
    expect((await run("curl", [...login, url])).stdout).toMatch(/\* LIST .* "?INBOX"?/);
    expect((await run("curl", [...login, `${url}/INBOX;UID=2`])).stdout).toMatch(/Subject: by curl\r\n\r\nhello\r\n$/);
    await run("curl", [...login, `${url}/INBOX`, "-T", file]);
    expect((await run("curl", [...login, `${url}/INBOX?SUBJECT%20curl`])).stdout).toMatch(/\* SEARCH 1 2 3/);
    const overTls = await run("curl", [
      ...login,
      "-k",
      `imaps://${imaps.host}:${imaps.port}/INBOX`,
      "-X",
      "FETCH 1:* FLAGS",
    ]);
    expect(overTls.stdout).toMatch(/\* 3 FETCH \(FLAGS \(/);
  });

  client("curl", "logs in to IMAP and submission with a token", async (user) => {
    const token = await new SignJWT({ email: user })
      .setProtectedHeader({ alg: "ES256" })
      .setIssuer(ISSUER)
      .setAudience("mail")
      .setExpirationTime("1h")
      .sign(tokenKeys.privateKey);
    const file = join(await server.scratch("curl-token"), "mail");
    await writeFile(file, `From: ${user}\r\nTo: ${user}\r\nSubject: by token\r\n\r\nhello\r\n`);
    for (const mechanism of ["OAUTHBEARER", "XOAUTH2"]) {
      const login = ["-sS", "-k", "--ssl-reqd", "-u", `${user}:`, "--login-options", `AUTH=${mechanism}`];
      const good = [...login, "--oauth2-bearer", token];
      expect((await run("curl", [...good, `imap://${imap.host}:${imap.port}`])).stdout).toMatch(/\* LIST .* "?INBOX"?/);
      const envelope = ["--mail-from", user, "--mail-rcpt", user, "-T", file];
      await run("curl", [...good, `smtp://${submission.host}:${submission.port}`, ...envelope]);
      const bad = [...login, "--oauth2-bearer", `${token}x`, `imap://${imap.host}:${imap.port}`];
      // CURLE_LOGIN_DENIED
      await expect(run("curl", bad)).rejects.toMatchObject({ code: 67 });
    }
  });

  client(
    "swaks",
    "sends in clear and over STARTTLS with a login, and is told of an unknown recipient",
    async (user) => {
      const to = ["--to", user, "--from", "swaks@example.net", "--h-Subject", "by swaks"];
      await run("swaks", [...to, "--server", smtp.host, "--port", String(smtp.port)]);
      const login = ["--auth", "PLAIN", "--auth-user", user, "--auth-password", PASSWORD, "--from", user];
      const over = ["--server", submission.host, "--port", String(submission.port), "-tls"];
      await run("swaks", ["--to", user, "--h-Subject", "by swaks over TLS", ...over, ...login]);
      expect(await server.subjectsOf(user)).toEqual(["by swaks", "by swaks over TLS"]);
      const refused = run("swaks", ["--to", "nobody@example.org", "--server", smtp.host, "--port", String(smtp.port)]);
      await expect(refused).rejects.toMatchObject({ stdout: expect.stringContaining("550 5.1.1") });
    },
  );

  client("mbsync", "syncs both ways, and has nothing left to do the second time", async (user) => {
    const home = await server.scratch("mbsync");
    await server.deliver(user, "one", "two");
    const rc = join(home, "mbsyncrc");
    await writeFile(
      rc,
      `IMAPAccount here
Host ${imap.host}
Port ${imap.port}
User ${user}
Pass ${PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account here

MaildirStore near
Path ${home}/mail/
Inbox ${home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
`,
    );
    await mkdir(join(home, "mail"));
    const sync = async (): Promise<string> => {
      const { stdout, stderr } = await run("mbsync", ["-c", rc, "all"], { env: { ...process.env, HOME: home } });
      return stdout + stderr;
    };
    const box = join(home, "mail/INBOX");
    const files = async (): Promise<string[]> =>
      [...(await readdir(join(box, "new"))), ...(await readdir(join(box, "cur")))].toSorted();
    await sync();
    expect(await files()).toHaveLength(2);
    await writeFile(join(box, "new/1.near.host"), "From: me@example.org\nSubject: from near\n\nlocal\n");
    await mkdir(join(home, "mail/Made here/cur"), { recursive: true });
    for (const part of ["new", "tmp"]) await mkdir(join(home, "mail/Made here", part), { recursive: true });
    const session = await server.open(user);
    await session.ok("STORE 1 +FLAGS (\\Flagged)");
    await session.ok("STORE 2 +FLAGS (\\Deleted)");
    await session.ok("EXPUNGE");
    await sync();
    expect((await server.subjectsOf(user)).toSorted()).toEqual(["from near", "one"]);
    expect(await session.ok('LIST "" "Made*"')).toContainEqual(expect.stringContaining('"Made here"'));
    session.close();
    expect((await files()).filter((name) => /:2,.*F/.test(name))).toHaveLength(1);
    // Nothing left to do: neither side is changed any more.
    const settled = [await files(), await cursors(user)];
    expect(await sync()).not.toMatch(/error/i);
    expect([await files(), await cursors(user)]).toEqual(settled);
    expect((await server.subjectsOf(user)).toSorted()).toEqual(["from near", "one"]);
  });

  for (const name of ["mutt", "neomutt"] as const) {
    client(name, "opens the mailbox, saves a message and deletes another", async (user) => {
      const home = await server.scratch(name);
      await server.deliver(user, "keep", "drop");
      const rc = join(home, "rc");
      const saved = join(home, "saved");
      await writeFile(
        rc,
        `set ssl_starttls=no ssl_force_tls=no
set imap_user="${user}" imap_pass="${PASSWORD}"
set folder="imap://${imap.host}:${imap.port}/" spoolfile="+INBOX"
set quit=yes delete=yes confirmappend=no confirmcreate=no mbox_type=mbox move=no
set header_cache="" imap_check_subscribed=no wait_key=no
push "<limit>~s keep<enter><copy-message><kill-line>${saved}<enter><limit>all<enter><delete-pattern>~s drop<enter><sync-mailbox><quit>"
`,
      );
      const command = `${name} -F ${rc}`;
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        env: { ...process.env, TERM: "xterm", HOME: home },
        stdio: ["ignore", "ignore", "ignore"],
      });
      try {
        await within(once(child, "exit"), `the end of ${name}`);
      } finally {
        child.kill("SIGKILL");
      }
      expect(await readFile(saved, "latin1")).toContain("body of keep");
      expect(await server.subjectsOf(user)).toEqual(["keep"]);
    });
  }

  client("fetchmail", "waits in IDLE and takes each mail as it comes", async (user) => {
    const home = await server.scratch("fetchmail");
    const rc = join(home, "rc");
    const taken = join(home, "taken");
    await writeFile(taken, "");
    await writeFile(
      rc,
      `poll ${imap.host} service ${imap.port} protocol imap username "${user}" password "${PASSWORD}" sslproto "" keep idle mda "/bin/sh -c 'cat >> ${taken}; echo taken'"\n`,
      { mode: 0o600 },
    );
    await server.deliver(user, "before");
    const child = spawn("fetchmail", ["-f", rc, "--nodetach", "-v", "--pidfile", join(home, "pid")], {
      env: { ...process.env, HOME: home, FETCHMAILHOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      const said = (pattern: RegExp): Promise<void> =>
        within(
          new Promise<void>((resolve) => {
            let text = "";
            const hear = (data: Buffer): void => {
              text += data.toString("latin1");
              if (!pattern.test(text)) return;
              child.stdout.off("data", hear);
              child.stderr.off("data", hear);
              resolve();
            };
            child.stdout.on("data", hear);
            child.stderr.on("data", hear);
          }),
          `fetchmail to say ${String(pattern)}`,
        );
      await said(/IMAP> \S+ IDLE/);
      expect(await readFile(taken, "latin1")).toContain("body of before");
      const idleAgain = said(/IMAP> \S+ IDLE/);
      await server.deliver(user, "during");
      await idleAgain;
      expect(await readFile(taken, "latin1")).toContain("body of during");
    } finally {
      child.kill("SIGKILL");
    }
  });

  client("gsasl", "logs in to IMAP and submission by every SCRAM, bound to TLS and not", async (user) => {
    const bound = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"].flatMap((mechanism) =>
      // tls-exporter, then tls-unique
      ["NORMAL", "NORMAL:-VERS-TLS1.3"].map((priority) => [mechanism, "--x509-ca-file=", "--priority", priority]),
    );
    const free = ["SCRAM-SHA-256", "SCRAM-SHA-1"].map((mechanism) => [mechanism, "--no-starttls"]);
    const logins = [
      ...[...bound, ...free].map((how) => ["--imap", imap, how] as const),
      ...[bound[0], free[0]].map((how) => ["--smtp", submission, how ?? []] as const),
    ];
    for (const [protocol, { host, port }, [mechanism = "", ...how]] of logins) {
      const login = ["-m", mechanism, "-a", user, "-z", "", "-p", PASSWORD, ...how];
      const over = spawn("gsasl", [protocol, "--connect", `${host}:${port}`, ...login, "--verbose"]);
      over.stdin.end();
      const [said, found] = await Promise.all([text(over.stdout), text(over.stderr)]);
      expect(said).toMatch(/^(\. OK .*Authenticated|235 2\.7\.0 )/m);
      expect(found).toContain("Client authentication finished (server trusted)");
    }
  });

  client("python3", "does with imaplib what its manual shows", async (user) => {
    await server.deliver(user, "first", "second");
    const script = `
import imaplib, sys
box = imaplib.IMAP4("${imap.host}", ${imap.port})
box.login("${user}", "${PASSWORD}")
assert box.select("INBOX") == ("OK", [b"2"]), "select"
assert box.search(None, "SUBJECT", "second") == ("OK", [b"2"]), "search"
status, data = box.fetch("1", "(RFC822)")
assert b"body of first" in data[0][1], data
assert box.store("1", "+FLAGS", "\\\\Deleted")[0] == "OK", "store"
assert box.append("INBOX", "(\\\\Seen)", imaplib.Time2Internaldate(1e9), b"Subject: third\\r\\n\\r\\nbody\\r\\n")[0] == "OK", "append"
assert box.expunge() == ("OK", [b"1"]), "expunge"
assert box.uid("SEARCH", None, "ALL") == ("OK", [b"2 3"]), "uid search"
assert box.create('"new box"')[0] == "OK" and box.copy("1", '"new box"')[0] == "OK", "copy"
assert box.status('"new box"', "(MESSAGES)")[1] == [b'"new box" (MESSAGES 1)'], box.status('"new box"', "(MESSAGES)")
assert box.delete('"new box"')[0] == "OK", "delete"
box.close(); box.logout()
`;
    await run("python3", ["-c", script]);
    expect(await server.subjectsOf(user)).toEqual(["second", "third"]);
  });
});
