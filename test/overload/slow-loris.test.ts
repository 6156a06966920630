// Thousands of connections to each port that send a byte now and then and never a command: they are told to go, clients
// are served meanwhile and afterwards, and the memory comes back.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";
import { Flood, FLOOD } from "./flood.ts";
import { served, type Port } from "./one-client.ts";

const OWNER = { user: "alice@example.org", password: "secret" };
/** Far fewer than the flood, at most as many as by default; and times so short that all is over within the test. */
const PLACES = Math.min(FLOOD / 5, 1_000);
const LIMITS = {
  SMTP_CONNECTIONS_MAX: PLACES,
  SMTP_CONNECTIONS_PER_ADDRESS_MAX: PLACES,
  SMTP_CONNECTION_GRACE_MS: 50,
  SMTP_LOGIN_TIMEOUT_MS: 2_000,
  SMTP_MAIL_TIMEOUT_MS: 2_000,
  IMAP_SESSIONS_BEFORE_LOGIN_MAX: PLACES,
  IMAP_LOGIN_GRACE_MS: 50,
  IMAP_LOGIN_TIMEOUT_MS: 2_000,
};
/** The beginning of a ClientHello that never ends. */
const HALF_A_HELLO = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
/**
 * What strangers may cost: all that one may send before its login and half a handshake, times the places of all six
 * listeners, together; and what the process needs for its own work besides.
 */
const MEMORY_GROWTH_MAX = (96 + (PLACES / 1_000) * 160) * 1024 * 1024;

let directory: DataDirectory;
let server: ServerProcess;
let flood: Flood | undefined;
let memoryBefore: number;

beforeAll(async () => {
  directory = await makeDataDirectory([`${OWNER.user}:${OWNER.password}`]);
  const limits = Object.entries(LIMITS).map(([name, value]) => [`PUSHMAIL_LIMITS_${name}`, String(value)]);
  server = await ServerProcess.start(
    ["--memory", "--users", directory.users, "--log-level", "warn"],
    Object.fromEntries(limits) as NodeJS.ProcessEnv,
  );
  for (const port of ["smtp", "submission", "submissions", "lmtp", "imap", "imaps"] as const) {
    await served(port, server.ready[port] as Address, OWNER);
  }
  memoryBefore = server.residentBytes;
});

afterEach(() => flood?.stop());

afterAll(async () => {
  ServerProcess.killAll();
  await directory.remove();
});

describe.each<[Port, string]>([
  ["smtp", "EHLO loris\r\n"],
  ["smtp", `EHLO loris\r\nSTARTTLS\r\n${HALF_A_HELLO}`],
  ["submission", ""],
  ["submissions", HALF_A_HELLO],
  ["lmtp", ""],
  ["imap", ""],
  ["imap", "a LOGIN {16000}\r\n"],
  ["imaps", HALF_A_HELLO],
])(`${FLOOD} slow connections to %s that begin with %j`, (port, opening) => {
  it("are ended, and keep nobody out", async () => {
    const address = server.ready[port] as Address;
    flood = new Flood({ ...address, opening });
    const during = served(port, address, OWNER);
    await flood.stage("tried");
    await during;
    await served(port, address, OWNER);
    const words = await flood.stage("gone");
    expect(Object.values(words).reduce((sum, count) => sum + count, 0)).toBe(FLOOD);
    // What is in the middle of a handshake can be told nothing. Nor is it sure that a farewell arrives at who has spoken
    // unasked: closing with bytes unread resets the connection (RFC 9293 3.6.1), and the client may see that first.
    const isFarewell = /^421 4\.[347]\.\d |^\* BYE \[\w+\] /;
    const farewells = Object.entries(words).filter(([word]) => isFarewell.test(word));
    const told = farewells.reduce((sum, [, count]) => sum + count, 0);
    if (opening === "") expect({ words, isTold: told > FLOOD / 2 }).toEqual({ words, isTold: true });
    await served(port, address, OWNER);
  }, 180_000);
});

it("slow connections leave the server as it was", async () => {
  expect(server.residentBytes - memoryBefore).toBeLessThan(MEMORY_GROWTH_MAX);
  expect(server.log.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  expect(await server.end()).toBe(0);
});
