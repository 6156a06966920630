// The built server that mail clients are tried on, and what it saw of them: at level `trace` its log has their commands.
import { it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

export const PASSWORD = "secret";

/**
 * A test of one program, left out where it is not installed: where `trial`, by default a look for it, fails. `user` is
 * the account of its own.
 */
export function clientTest<Program extends string>(
  program: Program,
  what: string,
  test: (user: string) => Promise<void>,
  trial: readonly string[] = ["which", program],
): void {
  const [command = "", ...args] = trial;
  const installed = spawnSync(command, args).status === 0;
  if (!installed && process.env["CI"] !== undefined)
    throw new Error(`${program} is not installed: test/clients/install.sh`);
  if (installed) it(`${program} ${what}`, () => test(userOf(program)));
  else it.skip(`${program} ${what} (not installed: run test/clients/install.sh)`, () => undefined);
}

function userOf(name: string): string {
  return `${name}@example.org`;
}

export class ClientServer {
  readonly imap: Address;
  readonly imaps: Address;
  readonly smtp: Address;
  readonly submission: Address;
  readonly #directory: DataDirectory;
  readonly #process: ServerProcess;
  #marks = 0;

  private constructor(directory: DataDirectory, server: ServerProcess) {
    this.#directory = directory;
    this.#process = server;
    const addresses = server.ready as Record<"imap" | "imaps" | "smtp" | "submission", Address>;
    ({ imap: this.imap, imaps: this.imaps, smtp: this.smtp, submission: this.submission } = addresses);
  }

  /** With an account for each name; `args` are further ones of `pushmail serve`. */
  static async start(
    names: readonly string[],
    args: (directory: string) => Promise<readonly string[]> = async () => [],
  ): Promise<ClientServer> {
    const directory = await makeDataDirectory(names.map((name) => `${userOf(name)}:${PASSWORD}`));
    const { data, users, path } = directory;
    const server = await ServerProcess.start([
      "--data",
      data,
      "--users",
      users,
      "--log-level",
      "trace",
      ...(await args(path)),
    ]);
    return new ClientServer(directory, server);
  }

  async end(): Promise<void> {
    await this.#process.end();
    ServerProcess.killAll();
    await this.#directory.remove();
  }

  /** The certificate that it made for itself: what a client must trust. */
  get certificate(): string {
    return join(this.#directory.data, "tls-cert.pem");
  }

  /** A directory of a client's own. */
  async scratch(name: string): Promise<string> {
    const path = join(this.#directory.path, "clients", name);
    await mkdir(path, { recursive: true });
    return path;
  }

  async deliver(user: string, ...subjects: readonly string[]): Promise<void> {
    const sender = await RawSmtp.connect(this.smtp);
    for (const subject of subjects) {
      const header = `From: Bob <bob@example.net>\nTo: ${user}\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(" ", ".")}@example.net>\n`;
      const reply = await sender.send(user, `${header}Date: Thu, 26 Nov 2026 12:00:00 +0000\n\nbody of ${subject}\n`);
      if (!reply.startsWith("250")) throw new Error(`${subject}: ${reply}`);
    }
    sender.close();
  }

  open(user: string, mailbox = "INBOX"): Promise<RawImap> {
    return RawImap.open(this.imap, { user, password: PASSWORD, mailbox });
  }

  async subjectsOf(user: string, mailbox = "INBOX"): Promise<string[]> {
    const session = await this.open(user, mailbox);
    const lines = await session.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").catch(() => []);
    session.close();
    return lines.flatMap((line) => /Subject: ([^\r]*)/.exec(line)?.[1] ?? []);
  }

  /** The commands of all sessions of an account, in the order in which they came. */
  async seen(user: string): Promise<readonly string[]> {
    const session = await RawImap.open(this.imap, { user, password: PASSWORD });
    const mark = `ID ("mark" "${++this.#marks}")`;
    await session.ok(mark);
    session.close();
    // The log is read in its order, so that what was before it is there with it.
    await this.heard(user, new RegExp(`^${mark.replace(/[()]/g, "\\$&")}$`));
    return this.#commandsOf(user).filter((command) => !command.startsWith('ID ("mark" '));
  }

  #commandsOf(user: string): readonly string[] {
    // What Node itself says is not JSON.
    const logged = this.#process.logLines.filter((line) => line.startsWith("{"));
    const lines = logged.map((line) => JSON.parse(line) as { account?: string; command?: string });
    return lines.flatMap(({ account, command }) => (account === user && command !== undefined ? [command] : []));
  }

  /** Waits until so many of an account's commands were such. */
  async heard(user: string, pattern: RegExp, times = 1): Promise<void> {
    const isHeard = (): boolean => this.#commandsOf(user).filter((command) => pattern.test(command)).length >= times;
    await this.#process.untilLogged(isHeard, `${String(pattern)} of ${user}, ${times} times`);
  }
}
