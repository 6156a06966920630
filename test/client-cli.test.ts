// The client commands against the server: what is sent is printed, once each, whatever happens to the connection.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { clientCommands, clientLimits, createClientCommands, type CliCommand } from "@pushmail/client-cli";
import { ImapFlow } from "imapflow";
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { type Pushmail, startPushmail } from "pushmail";
import { within } from "./support/deadline.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const password = "correct horse";
let server: Pushmail;
let directory: string;
let accounts = 0;

beforeAll(async () => {
  server = await startPushmail();
  directory = await mkdtemp(join(tmpdir(), "pushmail-test-"));
});

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

async function newAccount(): Promise<string> {
  const address = `user${(accounts += 1)}@example.org`;
  await server.store.createAccount({ address, password });
  return address;
}

function portOf(name: "smtp" | "submission" | "submissions" | "imap" | "imaps"): string {
  return String(server[name]?.port);
}

function login(user: string): string[] {
  return ["--port", portOf("imap"), "--smtp-port", portOf("smtp"), "--user", user, "--password", password];
}

interface RunningOptions {
  readonly stdin?: string;
  /** Takes the output in place of the command's `out`. */
  readonly stdout?: Writable;
}

/** A command that runs in this process, its output taken as it comes. */
class Running {
  readonly code: Promise<number>;
  #out = "";
  #err = "";
  readonly #end = new AbortController();
  readonly #stdout = new PassThrough();
  readonly #stderr = new PassThrough();

  constructor(command: CliCommand, args: readonly string[], { stdin = "", stdout }: RunningOptions) {
    this.#stdout.on("data", (chunk: Buffer) => (this.#out += chunk.toString()));
    this.#stderr.on("data", (chunk: Buffer) => (this.#err += chunk.toString()));
    this.code = command.run(args, {
      stdout: stdout ?? this.#stdout,
      stderr: this.#stderr,
      stdin: Readable.from([stdin]),
      env: {},
      signal: this.#end.signal,
      stdoutIsTty: false,
    });
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  get lines(): string[] {
    return this.#out.split("\n").slice(0, -1);
  }

  /** The lines as the JSON they are. */
  get objects(): { event: string; subject: string; uid: number; [name: string]: unknown }[] {
    return this.lines.map((line) => JSON.parse(line));
  }

  /** Resolves once the condition holds, looked at whenever something is printed. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const streams = [this.#stdout, this.#stderr];
    const met = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        for (const stream of streams) stream.off("data", look);
        resolve();
      };
      for (const stream of streams) stream.on("data", look);
      look();
    });
    const early = this.code.then((code) => {
      if (!condition()) throw new Error(`ended with ${code} before ${what}: ${this.#err}`);
    });
    await within(Promise.race([met, early]), `${what}; printed so far:\n${this.#out}${this.#err}`);
  }

  /** Resolves when it waits for news. */
  async current(times = 1): Promise<void> {
    await this.until("waiting", () => (this.#err.match(/waiting in IDLE|asking every/g) ?? []).length >= times);
  }

  async stop(): Promise<number> {
    this.#end.abort();
    return within(this.code, "the command's end");
  }
}

function start(
  name: string,
  args: readonly string[],
  { commands = clientCommands, ...options }: RunningOptions & { readonly commands?: readonly CliCommand[] } = {},
): Running {
  const command = commands.find((each) => each.name === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return new Running(command, args, options);
}

async function finished(running: Running): Promise<Running & { exit: number }> {
  return Object.assign(running, { exit: await within(running.code, "the command's end") });
}

/** Sends to the account itself. */
async function send(user: string, ...args: string[]): Promise<void> {
  const sent = await finished(start("send", [...login(user), "--to", user, "--text", "text", ...args]));
  expect({ exit: sent.exit, err: sent.err }).toEqual({ exit: 0, err: "" });
}

async function withSession(user: string, act: (client: ImapFlow) => Promise<unknown>): Promise<void> {
  const { host = "", port = 0 } = server.imap ?? {};
  const auth = { user, pass: password };
  const client = new ImapFlow({ host, port, auth, logger: false, doSTARTTLS: false });
  await client.connect();
  await client.mailboxOpen("INBOX");
  await act(client);
  await client.logout();
}

/** A way to the IMAP server that breaks after a number of bytes from it, a new number for each connection. */
class BreakingWay {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly #near = new Set<Socket>();
  bytesToBreak: () => number = () => Number.POSITIVE_INFINITY;
  /** Commands that are answered with NO, and never get to the server. */
  refuses: RegExp | undefined;
  /** A word of the server's that clients see as another. */
  hides: string | undefined;
  broken = 0;

  constructor() {
    this.#listener = createServer({ noDelay: true }, (near) => {
      const far = connect({ host: "127.0.0.1", port: server.imap?.port ?? 0, noDelay: true });
      let left = this.bytesToBreak();
      this.#near.add(near);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          this.#sockets.delete(socket);
          this.#near.delete(near);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (bytes: Buffer) => {
        const [tag, ...words] = bytes.toString("latin1").split(" ");
        if (this.refuses?.test(words.join(" ")) === true) near.write(`${tag} NO not now\r\n`);
        else far.write(bytes);
      });
      far.on("data", (sent: Buffer) => {
        const { hides = "" } = this;
        const bytes = hides === "" ? sent : Buffer.from(sent.toString("latin1").replaceAll(hides, "NONE"), "latin1");
        near.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left > 0) return;
        this.broken += 1;
        near.end();
        far.destroy();
      });
    });
  }

  async open(): Promise<string> {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
    return String((this.#listener.address() as AddressInfo).port);
  }

  /** Says something to the clients in the server's name; resolves when one has sent the answer. */
  async say(line: string, answer: string): Promise<void> {
    const answered = Promise.race(
      Array.from(this.#near, async (near) => {
        for await (const [bytes] of on(near, "data")) if (String(bytes).includes(answer)) return;
      }),
    );
    for (const near of this.#near) near.write(`${line}\r\n`);
    await within(answered, answer);
  }

  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.breakAll();
    this.#listener.close();
    await once(this.#listener, "close");
  }
}

/** Quick to try again, and small chunks, so that breaks fall everywhere. */
const impatient = createClientCommands({
  ...clientLimits,
  retryFirstMs: 1,
  retryMaxMs: 8,
  idleRetryMs: 5,
  fetchChunkMessages: 3,
});

describe("send", () => {
  it("prints Message-ID and reply, numbers the mails, and takes the text from standard input", async () => {
    const user = await newAccount();
    const args = [...login(user), "--to", user, "--subject", "Hi", "--count", "3", "--json"];
    const sent = await finished(start("send", args, { stdin: "from stdin" }));
    expect(sent.exit).toBe(0);
    const receipts = sent.lines.map((line) => JSON.parse(line) as { messageId: string });
    expect(receipts).toMatchObject([1, 2, 3].map((number) => ({ number, accepted: [user], rejected: [] })));
    const read = await finished(start("tail", [...login(user), "--from-start", "--limit", "3", "--json", "--full"]));
    expect(read.objects).toMatchObject(
      [1, 2, 3].map((number) => ({
        subject: `Hi ${number}/3`,
        text: `from stdin\n\n${number}/3\n`,
        messageId: receipts[number - 1]?.messageId,
      })),
    );
  });

  it("sends attachments and HTML, and a raw file byte for byte", async () => {
    const user = await newAccount();
    const attachment = join(directory, "näme.bin");
    await writeFile(attachment, Buffer.alloc(100_000, 7));
    await send(user, "--attach", attachment, "--html", "<p>hello <b>html</b></p>");
    const raw = `From: Ann <ann@example.net>\r\nTo: list: ${user};\r\nSubject: raw\r\nMessage-ID: <raw@x>\r\n\r\n.dot\r\nend\r\n`;
    const file = join(directory, "raw.eml");
    await writeFile(file, raw);
    const sent = await finished(start("send", [...login(user), "--file", file]));
    expect(sent.err).toBe("");
    expect(sent.out).toMatch(/^<raw@x> 250 /);
    const read = await finished(start("tail", [...login(user), "--from-start", "--limit", "2", "--json", "--full"]));
    expect(read.objects).toMatchObject([
      { attachments: ["näme.bin"], text: "text", cut: false },
      { from: [{ name: "Ann", address: "ann@example.net" }], messageId: "<raw@x>", text: ".dot\nend\n" },
    ]);
    await withSession(user, async (client) => {
      const { source } = (await client.fetchOne("2", { source: true })) || {};
      // The server puts its trace above; what was sent stands below, unchanged.
      expect(source?.toString("latin1").endsWith(raw)).toBe(true);
    });
  });

  it("submits with the login over each kind of protection", async () => {
    const user = await newAccount();
    const submit = (port: string, ...args: string[]): Promise<Running & { exit: number }> =>
      finished(start("send", [...login(user), "--to", user, "--text", "x", "--submit", "--smtp-port", port, ...args]));
    expect(await submit(portOf("submission"))).toMatchObject({ exit: 0 });
    expect(await submit(portOf("submission"), "--starttls", "--insecure")).toMatchObject({ exit: 0 });
    expect(await submit(portOf("submissions"), "--tls", "--insecure")).toMatchObject({ exit: 0 });
    expect(await submit(portOf("submissions"), "--tls")).toMatchObject({
      exit: 69,
      err: expect.stringMatching(/certificate.*--insecure/),
    });
    expect(await submit(portOf("submission"), "--tls")).toMatchObject({
      exit: 69,
      err: expect.stringMatching(/^pushmail send: the SMTP server at \S+ does not begin with TLS .*\n$/),
    });
    expect(await submit(portOf("submission"), "--password", "wrong")).toMatchObject({
      exit: 77,
      err: expect.stringMatching(/^.* 535 .*\n$/),
    });
  });

  it("tells a refusal by its exit code, for all recipients and for some", async () => {
    const user = await newAccount();
    const nobody = "nobody@example.org";
    const all = await finished(start("send", [...login(user), "--to", nobody, "--text", "x"]));
    expect(all).toMatchObject({
      exit: 1,
      out: "",
      err: expect.stringMatching(/^pushmail send: the SMTP server at .* says: 550 5\.1\.1 .*\n$/),
    });
    const some = await finished(start("send", [...login(user), "--to", user, "--cc", nobody, "--text", "x"]));
    expect(some).toMatchObject({
      exit: 1,
      out: expect.stringMatching(/ 250 /),
      err: expect.stringMatching(/nobody@example\.org is refused: 550/),
    });
    const none = await finished(start("send", [...login(user), "--smtp-port", "1", "--to", user, "--text", "x"]));
    expect(none).toMatchObject({
      exit: 69,
      err: expect.stringMatching(/^pushmail send: cannot reach the SMTP server at 127\.0\.0\.1:1: .*\n$/),
    });
    const usage = await finished(start("send", [...login(user), "--text", "x"]));
    expect(usage).toMatchObject({ exit: 2, err: expect.stringMatching(/no recipient/) });
    const wrong = await finished(start("send", [...login(user), "--to", user, "--cc", "ann", "--text", "x"]));
    expect(wrong).toMatchObject({ exit: 2, err: expect.stringMatching(/not a mail address: "ann"/) });
    for (const [option, path] of [
      ["--attach", join(directory, "none")],
      ["--attach", directory],
      ["--file", directory],
    ] as const) {
      const text = option === "--attach" ? ["--text", "x"] : [];
      const unread = await finished(start("send", [...login(user), "--to", user, ...text, option, path]));
      expect(unread).toMatchObject({
        exit: 1,
        err: expect.stringMatching(/^pushmail send: cannot read the file: .*\n$/),
      });
    }
  });
});

describe("tail", () => {
  it("prints each new mail in one safe line, and nothing from before", async () => {
    const user = await newAccount();
    await send(user, "--subject", "old");
    const tail = start("tail", login(user));
    await tail.current();
    await send(user, "--subject", "evil \u001b]0;owned\u0007 \u009b2J", "--text", "line one\n\u001b[31mline two");
    await tail.until("the mail", () => tail.lines.length === 1);
    await send(user, "--subject", "second");
    await tail.until("the next", () => tail.lines.length === 2);
    expect(await tail.stop()).toBe(0);
    expect(tail.lines[0]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}user\d+@example\.org {2}evil ␛\]0;owned␇ <U\+009B>2J {2}line one ␛\[31mline two$/,
    );
    expect(tail.lines[1]).toContain("  second  text");
  });

  it("ends at the limit, over several mailboxes on a connection each", async () => {
    const user = await newAccount();
    await withSession(user, async (client) => {
      await client.mailboxCreate("Archive");
      for (const path of ["INBOX", "Archive"]) {
        for (const number of [1, 2, 3]) await client.append(path, `Subject: ${path} ${number}\r\n\r\nx\r\n`);
      }
    });
    const both = ["--mailbox", "INBOX", "--mailbox", "Archive", "--from-start", "--json"];
    const all = await finished(start("tail", [...login(user), ...both, "--limit", "6"]));
    expect(all.exit).toBe(0);
    for (const mailbox of ["INBOX", "Archive"]) {
      const subjects = all.objects.filter((mail) => mail["mailbox"] === mailbox).map((mail) => mail.subject);
      expect(subjects).toEqual([1, 2, 3].map((number) => `${mailbox} ${number}`));
    }
    const some = await finished(start("tail", [...login(user), ...both, "--limit", "4"]));
    expect(some.lines).toHaveLength(4);
    const more = start("tail", [...login(user), ...both, "--limit", "7"]);
    await more.until("all that there are", () => more.lines.length === 6);
    expect(await more.stop()).toBe(130);
  });

  it("goes on where the last run ended, in the middle of a read too", async () => {
    const user = await newAccount();
    const state = ["--state", join(directory, "state.json"), "--json"];
    await send(user, "--subject", "n", "--count", "5");
    const first = await finished(start("tail", [...login(user), ...state, "--from-start", "--limit", "2"]));
    const second = await finished(start("poll", [...login(user), ...state, "--limit", "2"]));
    await send(user, "--subject", "last");
    const third = await finished(start("tail", [...login(user), ...state, "--limit", "2"]));
    const subjects = [first, second, third].map((run) => run.objects.map((mail) => mail.subject));
    expect(subjects).toEqual([
      ["n 1/5", "n 2/5"],
      ["n 3/5", "n 4/5"],
      ["n 5/5", "last"],
    ]);
    // A mailbox made anew under the same name is another one: all in it is new.
    const work = ["--mailbox", "Work", ...state];
    const remake = (client: ImapFlow): Promise<unknown> =>
      client.mailboxCreate("Work").then(() => client.append("Work", "Subject: in Work\r\n\r\nx\r\n"));
    await withSession(user, remake);
    expect((await finished(start("tail", [...login(user), ...work, "--from-start", "-n", "1"]))).lines).toHaveLength(1);
    await withSession(user, async (client) => {
      await client.mailboxDelete("Work");
      await remake(client);
    });
    const renewed = await finished(start("tail", [...login(user), ...work, "-n", "1"]));
    expect(renewed.objects).toMatchObject([{ subject: "in Work", mailbox: "Work" }]);
    expect(renewed.err).toContain("Work was made anew");
  });

  it("prints the next time what it could not write", async () => {
    const user = await newAccount();
    const args = [...login(user), "--state", join(directory, "unwritten.json"), "--json", "--from-start"];
    await send(user, "--subject", "n", "--count", "3");
    const taken: string[] = [];
    // Whoever reads takes one line, and leaves.
    const left = new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (taken.length > 0)
          return void setImmediate(done, Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
        taken.push(chunk.toString());
        done();
      },
    });
    const first = await finished(start("tail", args, { stdout: left }));
    expect({ exit: first.exit, err: first.err }).toEqual({ exit: 0, err: expect.not.stringContaining("EPIPE") });
    const second = await finished(start("tail", [...args, "--limit", "2"]));
    expect([...taken, ...second.lines].map((line) => JSON.parse(line).subject)).toEqual(["n 1/3", "n 2/3", "n 3/3"]);
  });

  it("prints no mail again when it is told of news and there are none", async () => {
    const user = await newAccount();
    await send(user, "--subject", "first");
    const way = new BreakingWay();
    const port = await way.open();
    const tail = start("tail", [...login(user), "--port", port, "--json", "--from-start"]);
    await tail.current();
    // What it reads holds the last message, whatever its UID.
    await way.say("* 7 EXISTS", "UID FETCH 2:*");
    await send(user, "--subject", "second");
    await tail.until("the second", () => tail.out.includes('"second"'));
    await tail.stop();
    await way.close();
    expect(tail.objects.map((mail) => mail.subject)).toEqual(["first", "second"]);
  });

  it("tells flag changes and expunges, those made while the connection was broken too", async () => {
    const user = await newAccount();
    await send(user, "--subject", "n", "--count", "5");
    const way = new BreakingWay();
    const port = await way.open();
    const args = [...login(user), "--port", port, "--events", "--json"];
    const tail = start("tail", args, { commands: impatient });
    await tail.current();
    await withSession(user, async (client) => {
      await client.messageFlagsAdd("2", ["\\Seen", "$Work"]);
      await tail.until("the flags", () => tail.lines.length === 1);
      await client.messageDelete("1", { uid: true });
      await tail.until("the expunge", () => tail.lines.length === 3);
      way.bytesToBreak = () => 0;
      way.breakAll();
      await client.messageFlagsRemove("2", ["\\Seen"], { uid: true });
      await client.messageDelete("3", { uid: true });
      way.bytesToBreak = () => Number.POSITIVE_INFINITY;
      await tail.until("what happened meanwhile", () => tail.lines.length === 5);
      await client.messageFlagsAdd("5", ["\\Answered"], { uid: true });
      await tail.until("the flags after it", () => tail.lines.length === 6);
    });
    await tail.stop();
    await way.close();
    expect(tail.objects.map(({ event, uid, flags }) => [event, uid, flags])).toEqual([
      ["flags", 2, ["$Work", "\\Seen"]],
      ["flags", 1, ["\\Deleted"]],
      ["expunge", 1, undefined],
      ["flags", 2, ["$Work"]],
      ["expunge", 3, undefined],
      ["flags", 5, ["\\Answered"]],
    ]);
  });

  it("tells what fails in one line with a code", async () => {
    const user = await newAccount();
    const failed = (...args: string[]): Promise<Running & { exit: number }> =>
      finished(start("tail", [...login(user), ...args]));
    expect(await failed("--password", "wrong")).toMatchObject({
      exit: 77,
      err: expect.stringMatching(/^pushmail tail: .* refuses the login: .*\n$/),
    });
    expect(await failed("--port", "1")).toMatchObject({
      exit: 69,
      err: expect.stringMatching(/^pushmail tail: cannot reach .*\n$/),
    });
    expect(await failed("--mailbox", "None")).toMatchObject({
      exit: 1,
      err: expect.stringMatching(/^pushmail tail: there is no mailbox "None"\n$/),
    });
    const tls = ["--port", portOf("imaps"), "--tls"];
    expect(await failed(...tls)).toMatchObject({ exit: 69, err: expect.stringMatching(/certificate.*--insecure/) });
    expect(await failed("--tls")).toMatchObject({
      exit: 69,
      err: expect.stringMatching(/^pushmail tail: the IMAP server at \S+ does not begin with TLS .*\n$/),
    });
    const secure = start("tail", [...login(user), ...tls, "--insecure"]);
    await secure.current();
    expect(await secure.stop()).toBe(0);
    const upgraded = start("tail", [...login(user), "--starttls", "--insecure"]);
    await upgraded.current();
    expect(await upgraded.stop()).toBe(0);
  });
});

describe.each([
  ["tail", []],
  ["poll", ["--interval", "0.05"]],
])("%s on a connection that breaks anywhere", (name, more) => {
  it("prints every mail once, in order", async () => {
    const random = seededRandom(testSeed());
    const user = await newAccount();
    const way = new BreakingWay();
    const port = await way.open();
    const following = start(name, [...login(user), "--port", port, "--json", ...more], { commands: impatient });
    await following.current();
    // From the middle of the greeting to the middle of a long answer.
    way.bytesToBreak = () => Math.floor(8000 * random() ** 2);
    way.breakAll();
    const mails = 150;
    for (let sent = 0; sent < mails; sent += 10) {
      await send(user, "--subject", `after ${sent}:`, "--count", "10");
      if (random() < 0.5) way.breakAll();
    }
    await following.until("some breaks", () => way.broken >= 10);
    way.bytesToBreak = () => Number.POSITIVE_INFINITY;
    await following.until("every mail", () => following.lines.length >= mails);
    await send(user, "--subject", "end");
    await following.until("the end", () => following.lines.some((line) => line.includes('"end"')));
    expect(await following.stop()).toBe(0);
    await way.close();
    const expected = Array.from({ length: mails }, (_, at) => `after ${at - (at % 10)}: ${(at % 10) + 1}/10`);
    expect(following.objects.map((mail) => mail.subject)).toEqual([...expected, "end"]);
    expect(following.err).toContain("trying again in");
  });
});

describe("contrast", () => {
  it("says before it begins that its plot cannot be written", async () => {
    const user = await newAccount();
    const svg = join(directory, "none", "plot.svg");
    const run = await finished(start("contrast", [...login(user), "--svg", svg]));
    expect(run).toMatchObject({
      exit: 1,
      out: "",
      err: expect.stringMatching(/^\S+ contrast: cannot write the plot: ENOENT/),
    });
  });

  it("shows push ahead of poll, and leaves the inbox as it was", async () => {
    const user = await newAccount();
    await send(user, "--subject", "mine");
    const svg = join(directory, "plot.svg");
    const args = [...login(user), "--mails", "12", "--rate", "20", "--intervals", "0.2,0.6", "--seed", "5"];
    const run = await finished(start("contrast", [...args, "--json", "--svg", svg]));
    expect(run.err).toBe("pushmail contrast: removed 12 mails from the inbox\n");
    expect(run.exit).toBe(0);
    const result = JSON.parse(run.out);
    expect(result).toMatchObject({ seed: 5, mails: 12, accepted: 12, ratePerSecond: 20 });
    expect(result.clients).toMatchObject([
      { name: "push (IDLE)", intervalSeconds: null, known: 12 },
      { name: "poll every 0.2 s", intervalSeconds: 0.2, known: 12 },
      { name: "poll every 0.6 s", intervalSeconds: 0.6, known: 12 },
    ]);
    for (const { p50Ms, p99Ms, maxMs, commands, wakeups, bytesSent, bytesReceived } of result.clients) {
      expect(p50Ms).toBeLessThanOrEqual(p99Ms);
      expect(p99Ms).toBeLessThanOrEqual(maxMs);
      for (const figure of [commands, wakeups, bytesSent, bytesReceived]) expect(figure).toBeGreaterThan(0);
    }
    expect(await readFile(svg, "utf8")).toMatch(/^<svg [^]*push \(IDLE\)[^]*poll 0\.6 s[^]*<\/svg>\n$/);
    const table = await finished(start("contrast", [...args, "--mails", "2"]));
    expect(table.out).toMatch(
      /^2 of 2 mails .* seed 5\n\n.* p50 .* p99 .*\npush \(IDLE\) .*2\/2.*\npoll every 0\.2 s .*2\/2/,
    );
    await withSession(user, async (client) => {
      expect(await client.search({ all: true }, { uid: true })).toEqual([1]);
    });
  });

  it("is not ended by somebody else's mail, however long its subject", async () => {
    const user = await newAccount();
    const args = [...login(user), "--mails", "20", "--rate", "20", "--intervals", "0.1"];
    const run = finished(start("contrast", args));
    await withSession(user, async (client) => {
      const first = once(client, "exists");
      const idle = client.idle();
      await within(first, "a first mail");
      await client.append("INBOX", `Subject: ${"é".repeat(20_000)}\r\n\r\nx\r\n`);
      await idle;
    });
    expect(await run).toMatchObject({ exit: 0, err: "pushmail contrast: removed 20 mails from the inbox\n" });
  });

  it("keeps the mails when asked, and ends with what it has when interrupted", async () => {
    const user = await newAccount();
    const kept = await finished(
      start("contrast", [...login(user), "--mails", "2", "--rate", "50", "--intervals", "0.1", "--keep"]),
    );
    expect(kept).toMatchObject({ exit: 0, err: "" });
    await withSession(user, async (client) => expect(client.mailbox && client.mailbox.exists).toBe(2));
    const endless = start("contrast", [...login(user), "--mails", "1000", "--rate", "0.01", "--intervals", "1"]);
    await withSession(user, async (client) => expect(client.usable).toBe(true));
    await endless.stop();
    expect(endless.out).toMatch(/^0 of 1000 mails sent/);
  });

  it("says what the server refuses", async () => {
    const user = await newAccount();
    const way = new BreakingWay();
    const port = await way.open();
    const args = [...login(user), "--port", port, "--mails", "2", "--rate", "50", "--intervals", "0.1"];
    way.refuses = /^UID SEARCH .*SUBJECT/;
    expect(await finished(start("contrast", args))).toMatchObject({
      exit: 0,
      err: "pushmail contrast: the server refuses to search for the mails: they stay in the inbox\n",
    });
    way.refuses = /^IDLE/;
    expect(await finished(start("contrast", args))).toMatchObject({
      exit: 1,
      out: "",
      // A first mail may have been sent meanwhile, and is removed.
      err: expect.stringMatching(/^pushmail contrast: the server refuses IDLE: there is no push to contrast$/m),
    });
    way.hides = "IDLE";
    expect(await finished(start("contrast", args))).toMatchObject({
      exit: 1,
      err: "pushmail contrast: the server has no IDLE: there is no push to contrast\n",
    });
    way.hides = undefined;
    const tail = start("tail", [...login(user), "--port", port]);
    await tail.until("the refusal", () =>
      tail.err.includes("INBOX: the server refuses IDLE: asking every two minutes"),
    );
    expect(await tail.stop()).toBe(0);
    await way.close();
  });

  it("fails as a whole when it cannot log in or send", async () => {
    const user = await newAccount();
    const args = [...login(user), "--mails", "1", "--rate", "100", "--intervals", "1"];
    const wrong = await finished(start("contrast", [...args, "--password", "wrong"]));
    expect(wrong).toMatchObject({ exit: 77, out: "" });
    const unsent = await finished(start("contrast", [...args, "--to", "nobody@example.org"]));
    expect(unsent).toMatchObject({ exit: 1, out: "", err: expect.stringMatching(/says: 550 5\.1\.1/) });
  });
});

it("ends at once with a second signal, whichever it is", async () => {
  const user = await newAccount();
  let clients = 0;
  const imap = createServer((near) => {
    near.on("error", () => undefined);
    clients += 1;
    // Behind the two that wait for mail the one that removes it, which nobody greets.
    if (clients > 2) child.kill("SIGTERM");
    else near.pipe(connect(Number(portOf("imap")), "127.0.0.1")).pipe(near);
  });
  const smtp = createServer((sender) => {
    sender.on("error", () => undefined);
    child.kill("SIGINT");
  });
  for (const listener of [imap, smtp]) await once(listener.listen(0, "127.0.0.1"), "listening");
  const [imapPort = "", smtpPort = ""] = [imap, smtp].map((listener) =>
    String((listener.address() as AddressInfo).port),
  );
  const main = join(process.cwd(), "packages/client-cli/dist/main.js");
  const at = ["--port", imapPort, "--smtp-port", smtpPort, "--rate", "100", "--intervals", "1"];
  const child = spawn(process.execPath, [main, "contrast", ...login(user), ...at], { stdio: "ignore" });
  try {
    expect(await within(once(child, "exit"), "the end")).toEqual([null, "SIGTERM"]);
  } finally {
    child.kill("SIGKILL");
    for (const listener of [imap, smtp]) listener.close();
  }
});
