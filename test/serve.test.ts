// `pushmail serve` as a process: how it starts, what it says, how it ends; and the same server embedded.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, open, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { text } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type PushmailOptions, startPushmail } from "pushmail";
import { makeDataDirectory, type DataDirectory } from "./support/data-directory.ts";
import { within } from "./support/deadline.ts";
import { RawImap } from "./support/raw-imap.ts";
import { RawSmtp } from "./support/raw-smtp.ts";
import { PUSHMAIL_MAIN, ServerProcess, type Address } from "./support/server-process.ts";

const run = promisify(execFile);
const user = "ann@example.org";
const password = "one:two three";

let directory: DataDirectory;
const running: ServerProcess[] = [];
const quickPasswords = { PUSHMAIL_LIMITS_SCRYPT_N: "16", PUSHMAIL_LIMITS_SCRYPT_P: "1" };

beforeAll(async () => {
  directory = await makeDataDirectory(["# who is here", "", `${user}:${password}`, "ben@example.org:secret"]);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.end("SIGKILL")));
});
afterAll(() => directory.remove());

async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start(args, { ...quickPasswords, ...env });
  running.push(server);
  return server;
}

/** Flags that turn every listener off but one. */
function off(but: string): string[] {
  const names = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"].filter((name) => name !== but);
  return names.flatMap((name) => [`--${name}`, "off"]);
}

/** Runs the command to its end, which must not be a success. */
async function fail(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    await run(process.execPath, [PUSHMAIL_MAIN, ...args], { timeout: 60_000 });
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
  throw new Error(`pushmail ${args.join(" ")} did not fail`);
}

/** Everything that a server says to a client that greets it and leaves. */
async function conversation({ host, port }: Address): Promise<string> {
  const socket = connectTcp(port, host).setEncoding("latin1");
  let said = "";
  socket.on("data", (piece) => (said += piece)).once("data", () => socket.write("EHLO x\r\nQUIT\r\n"));
  await within(once(socket, "end"), "the end of the conversation");
  socket.destroy();
  return said;
}

/** A whole text of one line. */
function oneLine(pattern: string): RegExp {
  return new RegExp(`^${pattern}\\n$`);
}

interface Pair {
  readonly key: string;
  readonly cert: string;
}

/** The files of a self-signed key and certificate of their own. */
async function makePair(name: string): Promise<Pair> {
  const data = join(directory.path, name);
  await (await startPushmail({ data })).close();
  return { key: join(data, "tls-key.pem"), cert: join(data, "tls-cert.pem") };
}

async function lineWith(what: string, lines: Interface): Promise<void> {
  for await (const line of lines) if (line.includes(what)) return;
  throw new Error(`no line with ${what}`);
}

async function logged(server: ServerProcess, what: string): Promise<void> {
  while (!server.log.includes(what)) await within(once(server.child.stderr as NodeJS.ReadableStream, "data"), what);
}

/** The fingerprint of the certificate that a listener shows. */
async function certificateOf(address: Address): Promise<string> {
  const socket: TLSSocket = connectTls({ ...address, rejectUnauthorized: false });
  await within(once(socket, "data"), "a greeting in TLS");
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  if (fingerprint === undefined) throw new Error("no certificate");
  return fingerprint;
}

describe("pushmail", () => {
  it("ends quietly where nobody reads on, and says so where the output cannot be written", async () => {
    const child = spawn(process.execPath, [PUSHMAIL_MAIN, "help", "settings"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const [complaint, [code]] = await within(Promise.all([text(child.stderr), once(child, "exit")]), "the end");
    expect({ complaint, code }).toEqual({ complaint: "", code: 0 });
    const full = await open("/dev/full", "w");
    const unwritten = spawn(process.execPath, [PUSHMAIL_MAIN, "tail", "--help"], {
      stdio: ["ignore", full.fd, "pipe"],
    });
    const ended = Promise.all([text(unwritten.stderr as NodeJS.ReadableStream), once(unwritten, "exit")]);
    const [said, [failed]] = await within(ended, "the end");
    expect({ said, failed }).toEqual({ said: expect.stringMatching(/^pushmail: .*ENOSPC.*\n$/), failed: 1 });
    await full.close();
  });

  it.each(["json", "pretty"])("serves on where its log cannot be written: %s", async (format) => {
    const full = await open("/dev/full", "w");
    const args = [PUSHMAIL_MAIN, "serve", "--memory", "--smtp", "0", ...off("smtp"), "--log", format];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", full.fd] });
    const ended = once(child, "exit");
    const [ready] = (await within(once(child.stdout as NodeJS.ReadableStream, "data"), "the ready line")) as [Buffer];
    const { smtp } = JSON.parse(ready.toString().replace("ready ", "")) as { smtp: Address };
    const sender = await RawSmtp.connect(smtp);
    for (let i = 0; i < 3; i++) expect(await sender.command("MAIL FROM:<>")).toMatch(/^(250|503) /);
    child.kill("SIGTERM");
    expect(await within(ended, "the end")).toEqual([0, null]);
    await full.close();
  });
});

describe("pushmail serve", () => {
  it("says where it listens in one line on stdout, and each listener answers", async () => {
    const server = await start(["--data", directory.data, "--hostname", "mail.example.org"]);
    const names = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"] as const;
    expect(Object.keys(server.ready)).toEqual([...names, "pid"]);
    expect(server.ready.pid).toBe(server.child.pid);
    const ca = await readFile(join(directory.data, "tls-cert.pem"));
    for (const name of names) {
      const address = server.ready[name] as Address;
      expect(address.host).toBe("127.0.0.1");
      const isTls = name === "submissions" || name === "imaps";
      // With the certificate that was made the client is sure of whom it talks to, by name and by address.
      const socket = isTls ? connectTls({ ...address, ca, servername: "mail.example.org" }) : connectTcp(address);
      const [greeting] = (await within(once(createInterface({ input: socket }), "line"), "a greeting")) as [string];
      expect(greeting).toMatch(name.startsWith("imap") ? /^\* OK / : /^220 mail\.example\.org /);
      socket.destroy();
    }
    const { mode } = await stat(join(directory.data, "tls-key.pem"));
    expect(mode & 0o777).toBe(0o600);
    const before = await certificateOf(server.ready.imaps as Address);
    expect(await server.end()).toBe(0);
    const again = await start(["--data", directory.data, "--hostname", "mail.example.org"]);
    expect(await certificateOf(again.ready.imaps as Address)).toBe(before);
    const renamed = await (await again.end(), start(["--data", directory.data, "--hostname", "other.example.org"]));
    expect(await certificateOf(renamed.ready.imaps as Address)).not.toBe(before);
  });

  it("opens no listener that is off, and writes nothing with --memory", async () => {
    const server = await start(["--memory", ...off("imap"), "--smtp", "0"], {
      PUSHMAIL_DATA: join(directory.path, "unused"),
    });
    expect(Object.keys(server.ready)).toEqual(["smtp", "imap", "pid"]);
    await expect(stat(join(directory.path, "unused"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("has the accounts of the users file, with the passwords that it names now", async () => {
    const args = ["--data", directory.data, "--users", directory.users];
    const first = await start(args);
    await RawImap.open(first.ready.imap as Address, { user, password: `"${password}"` });
    await first.end();
    await writeFile(join(directory.path, "users2"), `ANN@example.org:changed\r\n`);
    const second = await start([...args, "--users", join(directory.path, "users2")]);
    await RawImap.open(second.ready.imap as Address, { user, password: "changed" });
    await RawImap.open(second.ready.imap as Address, { user: "ben@example.org", password: "secret" });
    const stale = await RawImap.connect(second.ready.imap as Address);
    expect((await stale.command(`LOGIN ${user} "${password}"`)).status).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  });

  it("takes the file, the environment over it, and flags over both", async () => {
    const config = join(directory.path, "pushmail.toml");
    await writeFile(config, `hostname = "file"\nimap = "off"\n[limits.smtp]\nmessageBytesMax = 1000\n`);
    const env = { PUSHMAIL_CONFIG: config, PUSHMAIL_HOSTNAME: "env", PUSHMAIL_LIMITS_SMTP_MESSAGE_BYTES_MAX: "2000" };
    const servers = [
      await start(["--memory", "--config", config]),
      await start(["--memory"], env),
      await start(["--memory", "--hostname", "flag"], env),
    ];
    const said = await Promise.all(servers.map(({ ready }) => conversation(ready.smtp as Address)));
    expect(said).toEqual([
      expect.stringMatching(/^220 file [^]*SIZE 1000\r\n/),
      expect.stringMatching(/^220 env [^]*SIZE 2000\r\n/),
      expect.stringMatching(/^220 flag [^]*SIZE 2000\r\n/),
    ]);
    // A port given on the command line is stronger than one that the file turns off.
    expect(servers.map(({ ready }) => ready.imap?.port)).toEqual(Array(3).fill(expect.any(Number)));
  });

  it("prints nothing but the ready line on stdout, and its log as JSON or to be read", async () => {
    for (const [format, first] of [
      ["json", /^\{"level":"info","time":\d+,/],
      ["pretty", /^\[[\d:.]+\] INFO: /],
    ] as const) {
      const child = spawn(process.execPath, [
        PUSHMAIL_MAIN,
        "serve",
        "--memory",
        "--log",
        format,
        "--imap",
        "0",
        ...off("imap"),
      ]);
      const ended = once(child, "close");
      const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => text(stream));
      await within(once(child.stdout, "data"), "the ready line");
      child.kill("SIGTERM");
      expect(await within(ended, "the end")).toEqual([0, null]);
      expect(await stdout).toMatch(oneLine(`ready {"imap":{"host":"127.0.0.1","port":\\d+},"pid":${child.pid}}`));
      expect(await stderr).toMatch(first);
    }
  });
});

describe("the end of pushmail serve", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "on %s says good-bye to each client and leaves with code 0",
    async (signal) => {
      const server = await start(["--data", directory.data, "--users", directory.users]);
      const idle = await RawImap.open(server.ready.imap as Address, {
        user: "ben@example.org",
        password: "secret",
        mailbox: "INBOX",
      });
      await idle.idle();
      const fresh = await RawImap.connect(server.ready.imaps as Address, { tls: true });
      const senders = [server.ready.smtp, server.ready.submission].map((address) =>
        RawSmtp.connect(address as Address),
      );
      const mailers = await Promise.all(senders);
      const byes = [
        idle.until((response) => response.startsWith("* BYE"), "BYE in IDLE"),
        fresh.until((response) => response.startsWith("* BYE"), "BYE before login"),
        ...mailers.map(async (mailer) => expect(await mailer.reply()).toMatch(/^421 /)),
      ];
      expect(await server.end(signal)).toBe(0);
      await Promise.all(byes);
      // All that was held is let go of: the next one can have the directory.
      expect((await start(["--data", directory.data])).ready.pid).not.toBe(server.ready.pid);
    },
  );

  it("comes at once with a second signal", async () => {
    // With such a grace a client that does not leave would hold the process for long.
    const limits = { PUSHMAIL_LIMITS_SMTP_CLOSE_GRACE_MS: "600000", PUSHMAIL_LIMITS_PROCESS_CLOSE_MS: "600000" };
    const server = await start(["--memory", "--users", directory.users], limits);
    const sender = await RawSmtp.connect(server.ready.smtp as Address);
    for (const line of ["MAIL FROM:<a@example.net>", `RCPT TO:<${user}>`, "DATA"]) await sender.command(line);
    server.child.kill("SIGTERM");
    await logged(server, '"closing"');
    expect(server.child.signalCode).toBeNull();
    expect(await server.end("SIGTERM")).toBeNull();
    expect(server.child.signalCode).toBe("SIGTERM");
  });

  it.each([
    // By SIGHUP nothing ends.
    ["serve", ["SIGHUP", "SIGTERM"]],
    ["check", ["SIGTERM"]],
    ["repair", ["SIGTERM"]],
  ] as const)("comes with the first signal to a %s that still reads the store", async (name, signals) => {
    const data = join(directory.path, `read by ${name}`);
    await (await startPushmail({ data, users: { [user]: password } })).close();
    const current = join(data, "index/CURRENT");
    const kept = await readFile(current);
    // A pipe opens to be written to when somebody reads it, and keeps whoever does.
    await run("rm", [current]);
    await run("mkfifo", [current]);
    const child = spawn(process.execPath, [PUSHMAIL_MAIN, name, "--data", data]);
    const ended = once(child, "exit");
    const pipe = open(current, "w");
    try {
      await within(Promise.race([pipe, ended]), "somebody who reads the pipe");
      for (const signal of signals) child.kill(signal);
      expect(await within(ended, "the end")).toEqual([null, "SIGTERM"]);
    } finally {
      child.kill("SIGKILL");
      await (await open(current, "r+")).close();
      await (await pipe).close();
    }
    await run("rm", [current]);
    await writeFile(current, kept);
    const { stdout } = await run(process.execPath, [PUSHMAIL_MAIN, "check", "--data", data]);
    expect(stdout).toMatch(/^clean: 1 accounts/);
  });

  it("comes with the first signal to a serve that makes the demo account", async () => {
    const data = join(directory.path, "of the demo");
    await (await startPushmail({ data })).close();
    const file = join(data, "demo-password");
    await run("mkfifo", [file]);
    const free = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"].flatMap((name) => [`--${name}`, "0"]);
    const child = spawn(process.execPath, [PUSHMAIL_MAIN, "serve", "--data", data, "--demo", ...free]);
    const ended = once(child, "exit");
    const pipe = open(file, "w");
    try {
      await within(Promise.race([pipe, ended]), "somebody who reads the password");
      child.kill("SIGTERM");
      expect(await within(ended, "the end")).toEqual([null, "SIGTERM"]);
    } finally {
      child.kill("SIGKILL");
      await (await open(file, "r+")).close();
      await (await pipe).close();
    }
  });

  it("comes by a signal to npm start, too", async () => {
    const free = ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"].flatMap((name) => [`--${name}`, "0"]);
    const npm = spawn("npm", ["start", "--", "--memory", ...free], { stdio: ["ignore", "pipe", "ignore"] });
    const ended = once(npm, "close");
    let pid = 0;
    for await (const line of createInterface({ input: npm.stdout })) {
      if (!line.startsWith("ready ")) continue;
      ({ pid } = JSON.parse(line.slice("ready ".length)) as { pid: number });
      npm.kill("SIGTERM");
    }
    expect(await within(ended, "the end of npm start")).toEqual([0, null]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  it("is forced where something does not end in time", async () => {
    const limits = { PUSHMAIL_LIMITS_SMTP_CLOSE_GRACE_MS: "600000", PUSHMAIL_LIMITS_PROCESS_CLOSE_MS: "1" };
    const server = await start(["--memory", "--users", directory.users], limits);
    const sender = await RawSmtp.connect(server.ready.smtp as Address);
    for (const line of ["MAIL FROM:<a@example.net>", `RCPT TO:<${user}>`, "DATA"]) await sender.command(line);
    expect(await server.end()).toBe(1);
    expect(server.log).toContain("not closed in time");
  });
});

describe("SIGHUP", () => {
  it("ends no serve that still reads its settings", async () => {
    const config = join(directory.path, "config");
    await run("mkfifo", [config]);
    const off = ["smtp", "submission", "submissions", "lmtp", "imaps"].flatMap((name) => [`--${name}`, "off"]);
    const args = [PUSHMAIL_MAIN, "serve", "--memory", ...off, "--imap", "0", "--config", config];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    const ended = once(child, "exit");
    const ready = once(child.stdout, "data");
    const pipe = open(config, "w");
    try {
      await within(Promise.race([pipe, ended]), "somebody who reads the settings");
      child.kill("SIGHUP");
      await (await pipe).close();
      await within(Promise.race([ready, ended]), "the ready line");
      child.kill("SIGTERM");
      expect(await within(ended, "the end")).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("takes the certificate that is in the files now, and keeps the old one where they are no good", async () => {
    const pairs = await Promise.all(["one", "two"].map((name) => makePair(name)));
    const files = join(directory.path, "tls");
    await mkdir(files);
    const install = (pair: Pair): Promise<unknown> =>
      Promise.all([copyFile(pair.key, join(files, "key")), copyFile(pair.cert, join(files, "cert"))]);
    await install(pairs[0] as Pair);
    const server = await start(["--memory", "--tls-key", join(files, "key"), "--tls-cert", join(files, "cert")]);
    const shown = (): Promise<string[]> =>
      Promise.all([server.ready.imaps, server.ready.submissions].map((address) => certificateOf(address as Address)));
    const old = await shown();
    await install(pairs[1] as Pair);
    server.child.kill("SIGHUP");
    await logged(server, "certificate read anew");
    const renewed = await shown();
    expect(new Set([...old, ...renewed]).size).toBe(2);
    await writeFile(join(files, "cert"), "no certificate");
    server.child.kill("SIGHUP");
    await logged(server, "the old one stays in use");
    expect(await shown()).toEqual(renewed);
  });
});

describe("a start that cannot be", () => {
  it("names who holds the data directory", async () => {
    const holder = await start(["--data", directory.data]);
    const { code, stdout, stderr } = await fail(["serve", "--data", directory.data, "--smtp", "0"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      oneLine(`pushmail serve: the data directory ${directory.data} is in use by process ${holder.ready.pid} on .*`),
    );
  });

  it.each([
    [
      "what is wrong in the file",
      ["--config", "FILE", "--memory"],
      /^pushmail serve: \S+wrong.toml: smtp: must be a port .*\n$/,
    ],
    ["that every listener is off", [...off("imap"), "--imap", "off"], /^pushmail serve: every listener is off\n$/],
  ])("says %s in one line", async (_, args, complaint) => {
    const file = join(directory.path, "wrong.toml");
    await writeFile(file, "smtp = 99999");
    const { code, stdout, stderr } = await fail(["serve", ...args.map((arg) => arg.replace("FILE", file))]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(complaint);
  });

  it.each(["tls-key.pem", "demo-password"])("says that %s cannot be written in one line", async (name) => {
    const data = join(directory.path, `without ${name}`);
    await mkdir(data);
    await symlink("/nowhere/file", join(data, name));
    const args = ["serve", "--data", data, "--demo", "--smtp", "0", ...off("smtp"), "--log-level", "warn"];
    const { code, stdout, stderr } = await fail(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(oneLine(`pushmail serve: ENOENT: .*${name}.*`));
  });
});

describe("pushmail serve --demo", () => {
  it("prints lines that work as they stand, and keeps its account", async () => {
    const server = await start(["--data", join(directory.path, "demo"), "--demo"]);
    await logged(server, "npx pushmail send");
    const [tail, send] = ["tail", "send"].map(
      (name) => new RegExp(`^ *(npx pushmail ${name} .*)$`, "m").exec(server.log)?.[1],
    );
    // As in a shell of one's own: what npm sets for its scripts would tell npx to run something else.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
    const watcher = spawn(`${tail} --limit 1 --json`, { shell: true, env, stdio: ["ignore", "pipe", "pipe"] });
    const [seen, notices] = [text(watcher.stdout), createInterface({ input: watcher.stderr })];
    await within(lineWith("waiting in IDLE", notices), "the watcher's notice that it waits");
    await run(send as string, [], { shell: true, env });
    expect(JSON.parse(await within(seen, "the mail"))).toMatchObject({
      subject: "Hello",
      from: [{ address: "me@example.org" }],
    });
    const account = /account is (\S+), its password (\S+)/;
    const said = account.exec(server.log)?.[0];
    await server.end();
    const again = await start(["--data", join(directory.path, "demo"), "--demo"]);
    await logged(again, "its password");
    expect(account.exec(again.log)?.[0]).toBe(said);
  });
});

describe("the pushmail command", () => {
  const pushmail = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, [join(PUSHMAIL_MAIN, "../../bin/pushmail.js"), ...args]);

  it("says its version, its commands and how to use each", async () => {
    const { version } = JSON.parse(await readFile("packages/pushmail/package.json", "utf8")) as { version: string };
    expect((await pushmail("--version")).stdout).toBe(`${version}\n`);
    const { stdout: help } = await pushmail();
    const commands = [...help.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
    expect(commands).toEqual([
      "serve",
      "check",
      "repair",
      "backup",
      "restore",
      "send",
      "tail",
      "poll",
      "contrast",
      "help",
    ]);
    const { stdout: usage } = await pushmail("help", "serve");
    expect(usage).toMatch(/^pushmail serve: /);
    expect((await pushmail("serve", "--help")).stdout).toBe(usage);
    expect((await pushmail("help", "tail")).stdout).toMatch(/^pushmail tail: /);
  });

  it("refuses a command that does not exist", async () => {
    expect(await fail(["sevre"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: oneLine('pushmail: there is no command "sevre" .*'),
    });
  });

  it("prints docs/settings.md", async () => {
    expect(await readFile("docs/settings.md", "utf8")).toBe((await pushmail("help", "settings")).stdout);
  });
});

describe("startPushmail", () => {
  it("runs several servers in one process, each with its own mail, ports and end", async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startPushmail({ users: { [user]: "secret" } })));
    const ports = servers.flatMap(({ smtp, submission, submissions, lmtp, imap, imaps }) =>
      [smtp, submission, submissions, lmtp, imap, imaps].map((address) => address?.port),
    );
    expect(new Set(ports).size).toBe(18);
    for (const [index, server] of servers.entries()) {
      const sender = await RawSmtp.connect(server.smtp as Address);
      for (let mail = 0; mail <= index; mail++) expect(await sender.send(user, "Subject: x\n\n")).toMatch(/^250 /);
      await server.close();
      await server.close();
      await expect(RawImap.connect(server.imap as Address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
      const others = servers.slice(index + 1);
      for (const { imap } of others)
        await (await RawImap.open(imap as Address, { user, password: "secret", mailbox: "INBOX" })).ok("NOOP");
      const counts = others.map(async ({ store }) => {
        const account = await store.findAccount(user);
        return account === undefined ? undefined : (await store.mailbox(account.id, "INBOX"))?.messages;
      });
      expect(await Promise.all(counts)).toEqual(others.map(() => 0));
    }
  });

  it("gives users aliases and quotas, and at a later start what is named then", async () => {
    const data = join(directory.path, "aliases");
    const sendTo = async (users: PushmailOptions["users"], ...recipients: string[]): Promise<string[]> => {
      const server = await startPushmail({ data, users: users ?? {}, limits: { scrypt: { N: 16, p: 1 } } });
      const sender = await RawSmtp.connect(server.smtp as Address);
      const replies: string[] = [];
      for (const recipient of recipients) {
        await sender.command("MAIL FROM:<>");
        const reply = await sender.command(`RCPT TO:<${recipient}>`);
        await sender.command("RSET");
        replies.push(reply.startsWith("250") ? await sender.send(recipient, "Subject: x\n\n") : reply);
      }
      await server.close();
      return replies;
    };
    const ok = expect.stringMatching(/^250 /);
    const full = expect.stringMatching(/^552 5\.2\.2 /);
    const ann = { password: "secret", aliases: ["Postmaster@example.org", "@example.net"], quotaMessagesMax: 2 };
    const users = { [user]: ann, "ben@example.org": "secret" };
    expect(await sendTo(users, "postmaster@example.org", "whoever@example.net", user)).toEqual([ok, ok, full]);
    const moved = { [user]: { ...ann, aliases: [] }, "ben@example.org": { ...ann, quotaMessagesMax: 1 } };
    const replies = await sendTo(moved, "postmaster@example.org", user, "whoever@example.net");
    expect(replies).toEqual([ok, full, full]);
    // A password alone leaves the rest as it was.
    const alone = { [user]: { password: "secret", quotaMessagesMax: 0 }, "ben@example.org": "secret" };
    expect(await sendTo(alone, user, "postmaster@example.org")).toEqual([ok, full]);
    const both = { [user]: { ...ann, aliases: ["@example.net"] }, "ben@example.org": ann };
    await expect(startPushmail({ users: both })).rejects.toThrow(/^user \S+@example\.org: .*taken/);
  });

  it("lets go of everything where it cannot start", async () => {
    const data = join(directory.path, "embedded");
    await expect(startPushmail({ data, users: { nobody: "secret" } })).rejects.toThrow(/^user nobody: /);
    const server = await startPushmail({ data, imaps: "off" });
    expect(server.imaps).toBeUndefined();
    await expect(startPushmail({ data })).rejects.toThrow(String(process.pid));
    const { port } = server.lmtp as Address;
    const taken = startPushmail({ lmtp: port });
    await expect(taken).rejects.toThrow(`cannot listen on 127.0.0.1:${port} (lmtp): `);
    await expect(taken).rejects.toThrow("EADDRINUSE");
    await server.close();
  });

  it.each([
    ["a users file", { users: "FILE" }, "# ok\nann@example.org:secret\nben", "FILE:3: must be address:password"],
    ["a user named twice", { users: "FILE" }, "a@b:c\nA@b:secret", "FILE:2: A@b is there already"],
    ["a certificate", { tlsKey: "FILE", tlsCert: "none" }, "", /^TLS with key "\S+" and certificate "none": .*ENOENT/],
    ["half a certificate", { tlsKey: "FILE" }, "", "tlsKey is given, and tlsCert is missing"],
    ["a directory that is a file", { data: "FILE" }, "", /^cannot open the data directory /],
    [
      "a directory that cannot be made",
      { data: "/proc/pushmail/data" },
      "",
      /^cannot open the data directory .*ENOENT/,
    ],
  ])("says what is wrong with %s", async (_, options, content, complaint) => {
    const file = join(directory.path, "wrong");
    await writeFile(file, content);
    const given = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, value.replace("FILE", file)]),
    );
    const start = startPushmail(given);
    await expect(start).rejects.toThrow(typeof complaint === "string" ? complaint.replace("FILE", file) : complaint);
    await expect(start).rejects.not.toThrow("secret");
  });

  it("keeps the limits that it is given", async () => {
    const server = await startPushmail({ limits: { smtp: { messageBytesMax: 1234 } }, imap: "off", imaps: "off" });
    expect(await conversation(server.smtp as Address)).toContain("SIZE 1234\r\n");
    await server.close();
  });
});
