// Clients that fetch, sort and synchronise by themselves: what they leave on both sides, and what they asked for.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DEADLINE_MS } from "../support/deadline.ts";
import { ClientServer, clientTest, PASSWORD } from "./client-server.ts";

const run = promisify(execFile);
const NAMES = ["offlineimap", "getmail", "imapfilter", "interimap"] as const;
const client = clientTest<(typeof NAMES)[number]>;
/** The account that interimap keeps the same as its own. */
const MIRROR = "mirror@example.org";

let server: ClientServer;

beforeAll(async () => {
  server = await ClientServer.start([...NAMES, "mirror"]);
});

afterAll(() => server.end());

/** Has a client that goes on until it is ended, while `use` works. */
async function beside(command: readonly string[], env: NodeJS.ProcessEnv, use: () => Promise<void>): Promise<void> {
  const [program = "", ...args] = command;
  const child: ChildProcess = spawn(program, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => Promise.reject(new Error(`${program} ended by itself: ${String(code)}`)));
  try {
    await Promise.race([use(), ended]);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

/** Subject and flags of every message, in their order by subject. */
async function contents(user: string): Promise<readonly string[]> {
  const session = await server.open(user);
  const lines = await session.ok("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
  session.close();
  const told = lines.map((line) => {
    const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1]?.split(" ") ?? [];
    const subject = /Subject: ([^\r]*)/.exec(line)?.[1] ?? "";
    return `${subject}: ${flags
      .filter((flag) => flag !== "\\Recent")
      .toSorted()
      .join(" ")}`;
  });
  return told.toSorted();
}

describe("a client that synchronises", () => {
  client("offlineimap", "syncs both ways over COMPRESS, and takes what comes in IDLE", async (user) => {
    const home = await server.scratch("offlineimap");
    const rc = join(home, "rc");
    await writeFile(
      rc,
      `[general]
accounts = here
metadata = ${home}/state
[Account here]
localrepository = near
remoterepository = far
autorefresh = 60
[Repository near]
type = Maildir
localfolders = ${home}/mail
[Repository far]
type = IMAP
remotehost = ${server.imap.host}
remoteport = ${server.imap.port}
remoteuser = ${user}
remotepass = ${PASSWORD}
ssl = no
starttls = no
usecompression = yes
idlefolders = ["INBOX"]
`,
    );
    const command = ["-c", rc, "-u", "quiet"];
    const env = { HOME: home };
    const syncOnce = (): Promise<unknown> =>
      run("offlineimap", [...command, "-o"], { env: { ...process.env, ...env }, timeout: DEADLINE_MS });
    const box = join(home, "mail/INBOX");
    const files = async (): Promise<string[]> => [
      ...(await readdir(join(box, "new"))).map((name) => `new/${name}`),
      ...(await readdir(join(box, "cur"))).map((name) => `cur/${name}`),
    ];
    const fileOf = async (subject: string): Promise<string> => {
      for (const name of await files()) {
        if ((await readFile(join(box, name), "latin1")).includes(`Subject: ${subject}`)) return name;
      }
      throw new Error(`no file of ${subject}`);
    };
    await server.deliver(user, "flag", "drop", "flagged far");
    await syncOnce();
    const flag = await fileOf("flag\n");
    await rename(join(box, flag), join(box, flag.replace(/^new/, "cur").replace(/:2,.*/, ":2,FS")));
    await rm(join(box, await fileOf("drop")));
    await writeFile(join(box, "cur/1.near.host:2,S"), "From: me@example.org\nSubject: from near\n\nlocal\n");
    const session = await server.open(user);
    await session.ok("STORE 3 +FLAGS (\\Answered)");
    session.close();
    await syncOnce();
    expect(await contents(user)).toEqual(["flag: \\Flagged \\Seen", "flagged far: \\Answered", "from near: \\Seen"]);
    expect(await fileOf("flagged far")).toMatch(/:2,R$/);
    await beside(["offlineimap", ...command], env, async () => {
      await server.heard(user, /^IDLE/);
      await server.deliver(user, "pushed");
      await server.heard(user, /^IDLE/, 2);
    });
    expect(await fileOf("pushed")).toMatch(/^new/);
    expect(await server.seen(user)).toContain("COMPRESS DEFLATE");
  });

  client("getmail", "takes what is there and what comes in IDLE, and deletes it", async (user) => {
    const home = await server.scratch("getmail");
    const rc = join(home, "rc");
    const taken = join(home, "taken");
    await writeFile(
      rc,
      `[retriever]
type = SimpleIMAPRetriever
server = ${server.imap.host}
port = ${server.imap.port}
username = ${user}
password = ${PASSWORD}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> ${taken}")
allow_root_commands = true
[options]
delete = true
`,
    );
    await server.deliver(user, "before");
    await beside(["getmail", `--getmaildir=${home}`, `--rcfile=${rc}`, "--idle", "INBOX"], { HOME: home }, async () => {
      await server.heard(user, /^IDLE/);
      await server.deliver(user, "during");
      await server.heard(user, /^IDLE/, 2);
    });
    expect((await readFile(taken, "latin1")).match(/body of .*/g)).toEqual(["body of before", "body of during"]);
    expect(await server.subjectsOf(user)).toEqual([]);
  });

  client("imapfilter", "sorts over STARTTLS what is there, and what it is told of in IDLE", async (user) => {
    const home = await server.scratch("imapfilter");
    const config = join(home, "config.lua");
    await writeFile(
      config,
      `options.certificates = false
box = IMAP { server = '${server.imap.host}', port = ${server.imap.port}, username = '${user}', password = '${PASSWORD}' }
box:create_mailbox('Lists')
box.INBOX:contain_subject('list'):move_messages(box.Lists)
box.INBOX:is_unseen():mark_flagged()
assert(box.INBOX:enter_idle())
box.INBOX:contain_subject('list'):move_messages(box.Lists)
`,
    );
    await server.deliver(user, "list one", "mine");
    const sorting = run("imapfilter", ["-c", config, "-t", server.certificate], {
      env: { ...process.env, HOME: home },
      timeout: DEADLINE_MS,
    });
    await Promise.race([server.heard(user, /^IDLE/), sorting]);
    await server.deliver(user, "list two");
    await sorting;
    expect(await contents(user)).toEqual(["mine: \\Flagged"]);
    expect(await server.subjectsOf(user, "Lists")).toEqual(["list one", "list two"]);
  });

  client("interimap", "keeps two accounts the same by QRESYNC, and by NOTIFY at once", async (user) => {
    const home = await server.scratch("interimap");
    const rc = join(home, "rc");
    const side = (name: string, account: string): string => `[${name}]
type = imap
host = ${server.imap.host}
port = ${server.imap.port}
username = ${account}
password = ${PASSWORD}
STARTTLS = NO
`;
    await writeFile(rc, `database = state.db\nlist-mailbox = *\n${side("local", user)}${side("remote", MIRROR)}`);
    const env = { HOME: home, XDG_DATA_HOME: home };
    const sync = async (): Promise<readonly string[]> => {
      const before = await server.seen(MIRROR);
      await run("interimap", [`--config=${rc}`], { env: { ...process.env, ...env }, timeout: DEADLINE_MS });
      return (await server.seen(MIRROR)).slice(before.length);
    };
    await server.deliver(user, "one", "two", "three", "four");
    await sync();
    // What it brought itself, it finds once more.
    await sync();
    expect(await contents(MIRROR)).toEqual(await contents(user));
    expect(await sync()).not.toContainEqual(expect.stringMatching(/^(SELECT|UID)/));

    const near = await server.open(user);
    const far = await server.open(MIRROR);
    await near.ok("UID STORE 1 +FLAGS (\\Flagged)");
    await near.ok("UID STORE 2 +FLAGS (\\Deleted)");
    await near.ok("EXPUNGE");
    await far.ok("STORE 3 +FLAGS (\\Answered)");
    await far.ok("STORE 4 +FLAGS (\\Deleted)");
    await far.ok("EXPUNGE");
    await server.deliver(MIRROR, "five");
    const asked = await sync();
    const both = ["five: ", "one: \\Flagged", "three: \\Answered"];
    expect([await contents(user), await contents(MIRROR)]).toEqual([both, both]);
    // A resync: nothing that was known is asked for.
    expect(asked).toContainEqual(expect.stringMatching(/^SELECT INBOX \(QRESYNC \(\d+ \d+ 1:4 /));
    expect(asked.filter((command) => command.startsWith("UID FETCH"))).toEqual([
      expect.stringMatching(/^UID FETCH 5:4294967295 /),
    ]);

    await beside(["interimap", `--config=${rc}`, "--watch", "--notify"], env, async () => {
      await server.heard(MIRROR, /^NOTIFY SET/);
      await near.ok("NOOP");
      await near.idle();
      await server.deliver(MIRROR, "pushed");
      await near.until((response) => response.endsWith("EXISTS"), "the pushed message on the other side");
    });
    near.close();
    far.close();
    expect(await server.subjectsOf(user)).toContain("pushed");
    expect(await server.seen(MIRROR)).toContain("COMPRESS DEFLATE");
  });
});
