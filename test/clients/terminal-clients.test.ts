// Mail clients that live in a terminal: what they show and what they do, typed as their users type it.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClientServer, clientTest, PASSWORD } from "./client-server.ts";
import { Terminal } from "./terminal.ts";

const NAMES = ["alpine", "aerc"] as const;
const client = clientTest<(typeof NAMES)[number]>;

let server: ClientServer;

beforeAll(async () => {
  server = await ClientServer.start(NAMES);
});

afterAll(() => server.end());

/**
 * Runs a client in its terminal and ends it, whatever comes. A screen is drawn by what differs on it: only a word where
 * none of its letters stood before is sure to be shown whole.
 */
async function inTerminal(command: string, home: string, use: (terminal: Terminal) => Promise<void>): Promise<void> {
  const terminal = Terminal.start(command, { HOME: home });
  try {
    await use(terminal);
    await terminal.ended();
  } finally {
    terminal.kill();
  }
}

describe("a mail client in a terminal", () => {
  client(
    "alpine",
    "reads over STARTTLS, deletes, saves to another mailbox, and shows what came meanwhile",
    async (user) => {
      const home = await server.scratch("alpine");
      const far = `{${server.imap.host}:${server.imap.port}/tls/novalidate-cert/user=${user}}`;
      const rc = join(home, "pinerc");
      await writeFile(
        rc,
        `inbox-path=${far}INBOX
folder-collections=far ${far}[]
feature-list=quit-without-confirm,expunge-without-confirm,expunge-without-confirm-everywhere,disable-password-file-saving
last-version-used=9.99
status-message-delay=-1
`,
      );
      await server.deliver(user, "drop", "keep");
      await inTerminal(`alpine -p ${rc} -i`, home, async (terminal) => {
        await terminal.shows("ENTER PASSWORD");
        terminal.type(`${PASSWORD}\r`);
        await terminal.shows("opened with 2 messages");
        terminal.type("\r");
        await server.heard(user, /^FETCH 1 BODY\[1\]/);
        terminal.type("d");
        await server.heard(user, /^FETCH 2 BODY\[1\]/);
        terminal.type("s\x15Archive\r");
        await server.heard(user, /^STORE 2 \+Flags \(\\DELETED\)/);
        await server.deliver(user, "meanwhile");
        // The index, and the screen anew: with that alpine asks for news.
        terminal.type("i\x0c");
        await terminal.shows("meanwhile");
        terminal.type("x");
        await server.heard(user, /^EXPUNGE/);
        terminal.type("q");
      });
      expect(await server.subjectsOf(user)).toEqual(["meanwhile"]);
      expect(await server.subjectsOf(user, "Archive")).toEqual(["keep"]);
    },
  );

  client("aerc", "shows by IDLE what comes, flags it and moves it", async (user) => {
    const home = await server.scratch("aerc");
    await mkdir(join(home, ".config/aerc"), { recursive: true });
    const source = `imap+insecure://${encodeURIComponent(user)}:${PASSWORD}@${server.imap.host}:${server.imap.port}`;
    await writeFile(
      join(home, ".config/aerc/accounts.conf"),
      `[far]\nsource = ${source}\ndefault = INBOX\nfrom = ${user}\noutgoing = /bin/true\n`,
      { mode: 0o600 },
    );
    await server.deliver(user, "first", "second");
    await inTerminal("aerc", home, async (terminal) => {
      await terminal.shows("first");
      await server.deliver(user, "PUSHED");
      await terminal.shows("PUSHED");
      // The newest stands first.
      terminal.type(":select-message 0\r:flag\r");
      await server.heard(user, /^UID STORE 3 \+FLAGS \(\\Flagged\)/);
      const archive = await server.open(user, "Archive");
      await archive.idle();
      terminal.type(":move Archive\r");
      await archive.until((response) => response === "* 1 EXISTS", "the moved message");
      archive.close();
      terminal.type(":quit\r");
    });
    expect(await server.subjectsOf(user)).toEqual(["first", "second"]);
    expect(await server.subjectsOf(user, "Archive")).toEqual(["PUSHED"]);
  });
});
