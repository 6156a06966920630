// Evolution's IMAP engine without its screen: what it is told, what it does, and how it comes back.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { DEADLINE_MS, within } from "../../support/deadline.ts";
import { ClientServer, clientTest, PASSWORD } from "../client-server.ts";

/** Debian's own: another does not know its libraries. */
const PYTHON = "/usr/bin/python3";
const HAS_ENGINE = [PYTHON, "-c", 'import gi; gi.require_version("Camel", "1.2")'];
const ENGINE = "test/clients/large/evolution-engine.py";

let server: ClientServer;

beforeAll(async () => {
  server = await ClientServer.start(["evolution"]);
});

afterAll(() => server.end());

type Ask = (command: string) => Promise<string>;

/** Runs the engine with its INBOX open; `ask` gives it a command and gives back what it answers. */
async function inEvolution(user: string, use: (ask: Ask) => Promise<void>): Promise<void> {
  const home = await server.scratch("evolution");
  const args = [ENGINE, user, server.imaps.host, String(server.imaps.port), PASSWORD, home, String(DEADLINE_MS)];
  const child = spawn(PYTHON, args, { env: { ...process.env, HOME: home }, stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (verb: string): Promise<string> => {
    const { value, done } = await within(lines.next(), `the engine's answer to ${verb}`, 2 * DEADLINE_MS);
    if (done === true) throw new Error(`the engine ended at ${verb}`);
    return value.slice(verb.length).trim();
  };
  try {
    await answer("open");
    await use((command) => {
      child.stdin.write(`${command}\n`);
      return answer(command.split(" ", 1)[0] as string);
    });
    child.stdin.end("quit\n");
    expect(await within(exit, "the engine's end")).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
}

describe("Evolution's engine", () => {
  const what = "is told of each mail and change by NOTIFY, and comes back by QRESYNC";
  const test = async (user: string): Promise<void> => {
    await server.deliver(user, "first", "second");
    const far = await server.open(user);
    const has = async (ask: Ask, messages: string): Promise<void> => {
      expect(await ask(`has ${messages}`)).toBe(messages);
    };
    await inEvolution(user, async (ask) => {
      await has(ask, "first, second");
      await server.deliver(user, "pushed");
      await has(ask, "first, pushed, second");
      expect(await ask("body pushed")).toBe("body of pushed");
      await ask("read first");
      await ask("archive second");
      await has(ask, "first read, pushed");
      await far.ok("NOOP");
      await far.ok("UID STORE 3 +FLAGS (\\Flagged)");
      await has(ask, "first read, pushed flagged");
      await far.ok("UID STORE 1 +FLAGS (\\Deleted)");
      await far.ok("EXPUNGE");
      await has(ask, "pushed flagged");
    });
    expect(await server.subjectsOf(user, "Archive")).toEqual(["second"]);

    await server.deliver(user, "while away");
    await far.ok("UID STORE 3 -FLAGS (\\Flagged)");
    await inEvolution(user, (ask) => has(ask, "pushed, while away"));
    far.close();
    const seen = await server.seen(user);
    for (const used of [
      /^ENABLE CONDSTORE QRESYNC$/,
      /^NOTIFY SET \(selected \(MessageNew/,
      /^SELECT INBOX \(QRESYNC/,
    ]) {
      expect(seen).toContainEqual(expect.stringMatching(used));
    }
  };
  clientTest("evolution", what, test, HAS_ENGINE);
});
