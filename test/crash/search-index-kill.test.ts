// kill -9 while the search index is made: it goes on from what it has, and every answer is right meanwhile. Switched off it
// is gone.
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { ServerProcess } from "../support/server-process.ts";

const USER = "ann@example.org";
const MESSAGES = 80;
/** Every message is asked of the index, in packs of few. */
const LIMITS = `[limits.imap.search]
scannedMessagesMax = 0
[limits.searchIndex]
packMessagesMax = 4
lagMs = 0
restMs = 1
restMsMax = 1
`;

let directory: DataDirectory;
let session: RawImap | undefined;
beforeEach(async () => {
  directory = await makeDataDirectory([`${USER}:secret`]);
  await writeFile(join(directory.path, "config.toml"), LIMITS);
});
afterEach(async () => {
  session?.close();
  ServerProcess.killAll();
  await directory.remove();
});

async function start(...args: string[]): Promise<ServerProcess> {
  const { data, users, path } = directory;
  const config = join(path, "config.toml");
  const given = ["--data", data, "--users", users, "--config", config, "--log-level", "debug", ...args];
  const server = await ServerProcess.start(given);
  const imap = server.ready.imap ?? { host: "", port: 0 };
  session = await RawImap.open(imap, { user: USER, password: "secret", mailbox: "INBOX" });
  return server;
}

async function search(keys: string): Promise<number[]> {
  const [found = ""] = (await session?.ok(`SEARCH ${keys}`))?.filter((line) => line.startsWith("* SEARCH")) ?? [];
  return found.split(" ").slice(2).map(Number);
}

async function append(from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) {
    const mail = `Subject: mail ${i % 3}\r\n\r\nThis is letter number${i}, ${i % 7 === 0 ? "zanzibar" : "nothing"}.\r\n`;
    await session?.ok(`APPEND INBOX {${mail.length}+}\r\n${mail}`);
  }
}

const numbersThat = (is: (i: number) => boolean, to: number): number[] =>
  Array.from({ length: to }, (_, i) => i + 1).filter(is);

async function checkAnswers(count: number): Promise<void> {
  expect(await search("TEXT zanzibar")).toEqual(numbersThat((i) => i % 7 === 0, count));
  expect(await search("NOT BODY zanzibar")).toEqual(numbersThat((i) => i % 7 !== 0, count));
  expect(await search('SUBJECT "mail 2"')).toEqual(numbersThat((i) => i % 3 === 2, count));
  expect(await search("TEXT number77,")).toEqual([77].filter((i) => i <= count));
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

it("answers right and goes on, wherever the process is killed, and is gone once it is switched off", async () => {
  let count = 0;
  for (const more of [MESSAGES, 5, 0]) {
    const server = await start();
    await append(count + 1, count + more);
    count += more;
    await search("TEXT zanzibar");
    await search("TEXT zanzibar");
    await server.end("SIGKILL");
  }
  const server = await start();
  await checkAnswers(count);
  await server.untilLogged(() => server.log.includes('"behind":0'), "that the index is up to date");
  await checkAnswers(count);
  expect(server.log).not.toMatch(/"level":"(warn|error)"/);
  session?.close();
  expect(await server.end()).toBe(0);
  expect(await isThere(join(directory.data, "search"))).toBe(true);

  const without = await start("--search-index", "off");
  await checkAnswers(count);
  expect(await isThere(join(directory.data, "search"))).toBe(false);
  session?.close();
  expect(await without.end()).toBe(0);
});
