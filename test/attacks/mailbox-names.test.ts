// Names of mailboxes that try to be paths, line ends or no text at all: each is refused, or is a name like any other,
// listed as it was given and no file anywhere. A mailbox is a number on the disk; no name becomes a path.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startPushmail, type Pushmail } from "pushmail";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import type { Address } from "../support/server-process.ts";

const LOGIN = { user: "alice@example.org", password: "secret" };
const MAIL = "Subject: bait\r\n\r\n";

/** As a client writes them; those that are a name are listed in this very form. */
const NAMES: readonly string[] = [
  "../../etc/passwd",
  "..",
  ".",
  "./INBOX",
  "a/../../b",
  "...",
  "~root",
  "~/x",
  '"%2e%2e%2fx"',
  '"\\\\..\\\\..\\\\x"',
  '"C:\\\\x"',
  "CON",
  "LOCK",
  "00000001.log",
  '"a b\\"c"',
  '"$(touch x)"',
  '"`touch x`"',
  "-rf",
  "a;b|c",
  // U+202E turns the direction of text, U+200B is not seen, U+FEFF neither.
  "&IC4-txt.exe",
  "&IAs-",
  "&,v8-INBOX",
  // Above the first plane, and the last of all characters.
  "&2D3cjA-",
  "&2,,f,w-",
];

/** What is no name, in whatever form it comes. */
const NO_NAMES: readonly string[] = [
  // An absolute path, and levels without a name.
  "/etc/passwd",
  "/",
  "a//b",
  '""',
  // NUL, CR LF, LF, TAB, ESC, DEL and C1 controls, in modified UTF-7.
  "&AAA-",
  "a&AA0ACg-b",
  "&AAo-",
  "a&AAk-b",
  "&ABs-[31m",
  "&AH8-",
  "&AJs-31m",
  "&IChr-",
  // The same as they are.
  "{4}\r\na\r\nb",
  "{3}\r\na\nb",
  "{3}\r\na\tb",
  "{3}\r\n\x1b[m",
  "{3}\r\na\x7fb",
  // Halves of a pair of surrogates, alone, doubled and in the wrong order.
  "&2D0-",
  "&3Iw-",
  "&2D3YPQ-",
  "&3IzYPQ-",
  // Modified UTF-7 that is none.
  "a&b",
  "&Jjo",
  "&AGE-",
  "&U,BTFw-&ZeVnLIqe-",
  "&AOk=-",
  "&A-",
  "&****-",
  // Octets that are no ASCII: UTF-8, overlong, cut, latin1.
  "{2}\r\n\xc3\xa9",
  "{2}\r\n\xc0\xae",
  "{3}\r\n\xe0\x80\xae",
  "{1}\r\n\xe9",
  // Too long, too deep.
  "x".repeat(1_001),
  `&${"AOkA6QDpAOkA6QDp".repeat(100)}-`,
  "a/".repeat(50) + "a",
];

let directory: DataDirectory;
let server: Pushmail;
let client: RawImap;
let before: readonly string[];

/** Every path below what the server has to itself, and beside it; without what the store calls its own files. */
async function paths(): Promise<readonly string[]> {
  const found = await readdir(directory.path, { recursive: true });
  return found.filter((path) => !/^data\/(index|segments)\/[\w.-]+$/.test(path)).sort();
}

beforeAll(async () => {
  directory = await makeDataDirectory([]);
  await writeFile(join(directory.path, "beside"), "");
  server = await startPushmail({ data: directory.data, users: { [LOGIN.user]: LOGIN.password } });
  client = await RawImap.open(server.imap as Address, { ...LOGIN, mailbox: "INBOX" });
  await client.ok(`APPEND INBOX {${MAIL.length}+}\r\n${MAIL}`);
  before = await paths();
});

afterAll(async () => {
  client.close();
  await server.close();
  await directory.remove();
});

/** A command with a name, whose literal waits to be asked for. */
async function say(command: string, name: string, rest = ""): Promise<string> {
  const literal = /^\{(\d+)\}(.*)$/s.exec(name);
  return (await client.command(`${command} ${literal === null ? name : `{${literal[1]}+}${literal[2]}`}${rest}`))
    .status;
}

const listed = async (): Promise<readonly string[]> =>
  (await client.ok('LIST "" *')).map((response) => response.replace(/^\* LIST \([^)]*\) "\/" /, ""));

describe("a name that looks like something else", () => {
  it.each(NAMES)("%s is a mailbox like any other, and no file", async (name) => {
    const mailboxes = await listed();
    expect(await say("CREATE", name)).toMatch(/^OK /);
    expect(await say("SUBSCRIBE", name)).toMatch(/^OK /);
    expect(await say("COPY 1", name)).toMatch(/^OK /);
    expect(await say("APPEND", name, ` {${MAIL.length}+}\r\n${MAIL}`)).toMatch(/^OK /);
    const [status] = await client.ok(`STATUS ${name} (MESSAGES)`);
    expect(status).toBe(`* STATUS ${name} (MESSAGES 2)`);
    expect(await listed()).toContain(name);
    expect(await say("RENAME", name, " renamed")).toMatch(/^OK /);
    expect(await say("RENAME renamed", name)).toMatch(/^OK /);
    expect(await paths()).toEqual(before);
    expect(await say("UNSUBSCRIBE", name)).toMatch(/^OK /);
    expect(await say("DELETE", name)).toMatch(/^OK /);
    for (const superior of (await listed()).filter((one) => !mailboxes.includes(one)).reverse())
      expect(await say("DELETE", superior)).toMatch(/^OK /);
    expect(await listed()).toEqual(mailboxes);
  });
});

describe("what is no name", () => {
  it.each(NO_NAMES)("%j is refused by every command", async (name) => {
    const mailboxes = await listed();
    const tried = [
      ["CREATE"],
      ["SUBSCRIBE"],
      ["RENAME Archive"],
      ["RENAME", " mine"],
      ["SELECT"],
      ["STATUS", " (MESSAGES)"],
      ["COPY 1"],
      ["MOVE 1"],
      ["DELETE"],
      ["APPEND", ` {${MAIL.length}+}\r\n${MAIL}`],
    ] as const;
    for (const [command, rest = ""] of tried) {
      const status = await say(command, name, rest);
      expect({ command, status }).toEqual({ command, status: expect.stringMatching(/^(NO|BAD) /) });
      if (command === "SELECT") await client.ok("SELECT INBOX");
    }
    expect(await listed()).toEqual(mailboxes);
    expect(await client.ok('LSUB "" *')).toHaveLength(6);
    expect(await paths()).toEqual(before);
  });
});
