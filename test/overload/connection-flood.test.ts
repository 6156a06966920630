// More connections than the process has file descriptors for: those that do not get in are told so at once, whoever comes
// next is served on every port, and nothing that the server needs itself fails.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";
import { Flood, FLOOD } from "./flood.ts";
import { served, type Port } from "./one-client.ts";

const OWNER = { user: "alice@example.org", password: "secret" };
/** Half of them are the store's: `descriptorsReserved` is more than there are. */
const DESCRIPTORS = 400;
/** Room for SMTP in all its kinds, and for IMAP: see descriptors.ts. */
const PLACES = { smtp: (DESCRIPTORS / 2) * (1 / 4) * (1 / 2), imap: (DESCRIPTORS / 2) * (3 / 4) };

let directory: DataDirectory;
let server: ServerProcess;
let flood: Flood | undefined;

beforeAll(async () => {
  directory = await makeDataDirectory([`${OWNER.user}:${OWNER.password}`]);
  const limits = {
    PUSHMAIL_LIMITS_PROCESS_DESCRIPTORS_RESERVED: "1000",
    PUSHMAIL_LIMITS_SMTP_CONNECTION_GRACE_MS: "50",
    PUSHMAIL_LIMITS_IMAP_LOGIN_GRACE_MS: "50",
    PUSHMAIL_LIMITS_SCRYPT_N: "16",
  };
  const args = ["--data", directory.data, "--users", directory.users, "--log-level", "warn"];
  server = await ServerProcess.start(args, limits, `ulimit -n ${DESCRIPTORS}`);
});

afterEach(() => flood?.stop());

afterAll(async () => {
  ServerProcess.killAll();
  await directory.remove();
});

describe.each<[flooded: "smtp" | "imap", others: readonly Port[]]>([
  ["smtp", ["imap", "imaps", "smtp", "submission", "lmtp"]],
  ["imap", ["smtp", "submission", "lmtp", "imap", "imaps"]],
])(`${FLOOD} connections to %s at once`, (port, all) => {
  it("take no more than the places of their kind, and give them up to who comes", async () => {
    const address = server.ready[port] as Address;
    flood = new Flood({ ...address, everyMs: 60_000 });
    await flood.stage("tried");
    for (const each of all) await served(each, server.ready[each] as Address, OWNER);
    const words = await flood.leave();
    const greeted = Object.entries(words).filter(([word]) => /^220 |^\* OK /.test(word));
    const refused = Object.entries(words).filter(([word]) => /^421 4\.3\.2 |^\* BYE \[UNAVAILABLE\] /.test(word));
    expect(greeted.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(PLACES[port]);
    expect(refused).not.toEqual([]);
  }, 120_000);
});

it("a flood is no fault of the server's", async () => {
  expect(server.log.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  expect(server.log).toContain("turned away");
  expect(await server.end()).toBe(0);
});
