// A process that has no file descriptor left: what needs one is refused, what needs none goes on, and with the
// descriptors all of it comes back by itself.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { within } from "../support/deadline.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

const USER = "ann@example.org";
const LOGIN = { user: USER, password: "secret", mailbox: "INBOX" };
/** Node's loader alone needs more than a hundred at the start. */
const DESCRIPTORS = 144;
/** Latin1 of the octets in UTF-8. */
const UMLAUT = Buffer.from("gehäuse").toString("latin1");
/** It goes into a file of its own. */
const LARGE = `Subject: large\r\n\r\n${`${"x".repeat(70)}\r\n`.repeat(20_000)}`;

let directory: DataDirectory;
beforeAll(async () => {
  directory = await makeDataDirectory([`${USER}:${LOGIN.password}`]);
});
afterAll(async () => {
  ServerProcess.killAll();
  await directory.remove();
});

/** Those that the bound counts: from who started it a process may have others, with higher numbers. */
function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((descriptor) => Number(descriptor) < DESCRIPTORS).length;
}

/** Connects until the server has no descriptor left; gives the function that gives all of them back. */
async function takeAll({ ready: { pid, imap, smtp } }: ServerProcess, session: RawImap): Promise<() => Promise<void>> {
  const sockets: Socket[] = [];
  // The server may have had one for a moment only: what it does meanwhile must not change that they are gone.
  for (let looks = 0; looks < 3; looks++) {
    while (descriptorsOf(pid) < DESCRIPTORS) {
      const socket = connect((sockets.length % 8 === 0 ? smtp : imap) as Address);
      sockets.push(socket);
      const [greeting] = (await within(once(socket, "data"), "a greeting")) as [Buffer];
      expect(greeting.toString()).toMatch(/^(220|\* OK) /);
    }
    await session.ok("NOOP");
  }
  return async () => {
    const closed = sockets.map((socket) => once(socket, "close"));
    for (const socket of sockets) socket.end();
    await within(Promise.all(closed), "the end of all connections");
  };
}

it("refuses what needs one, serves the rest, and recovers by itself", async () => {
  const limits = {
    // The connections may take all there are.
    PUSHMAIL_LIMITS_PROCESS_DESCRIPTORS_RESERVED: "0",
    PUSHMAIL_LIMITS_IMAP_LOGIN_GRACE_MS: "60000",
    PUSHMAIL_LIMITS_SCRYPT_N: "16",
  };
  const args = ["--data", directory.data, "--users", directory.users, "--log-level", "warn"];
  const server = await ServerProcess.start(args, limits, `ulimit -n ${DESCRIPTORS}`);
  const { imap, smtp } = server.ready as { imap: Address; smtp: Address };
  const session = await RawImap.open(imap, LOGIN);
  const sender = await RawSmtp.connect(smtp);
  const guest = await RawImap.connect(imap);
  const append = `APPEND INBOX {${LARGE.length}+}\r\n${LARGE}`;

  const giveBack = await takeAll(server, session);
  // The first password beyond ASCII: SASLprep's tables are there.
  expect((await guest.command(`LOGIN ${USER} "${UMLAUT}"`)).status).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
  const refused = /^NO \[SERVERBUG\] The server's storage does not work, try again later/;
  expect((await session.command(append)).status).toMatch(refused);
  expect(await sender.send(USER, LARGE)).toMatch(/^451 4\.3\.0 /);
  expect(await sender.send(USER, "Subject: small\r\n\r\nsmall\r\n")).toMatch(/^250 /);
  await session.ok("NOOP");
  expect((await session.ok("UID FETCH 1:* BODY.PEEK[]")).join()).toContain("Subject: small");
  expect(await session.ok("UID SEARCH TEXT small")).toEqual(["* SEARCH 1"]);

  await giveBack();
  expect((await session.command(append)).status).toMatch(/^OK \[APPENDUID /);
  expect(await sender.send(USER, LARGE)).toMatch(/^250 /);
  expect((await session.ok("STATUS INBOX (MESSAGES)")).join()).toContain("(MESSAGES 3)");
  expect(await server.end()).toBe(0);
}, 60_000);

/** A first password beyond ASCII with no descriptor left, and again when there are some. */
const PASSWORDS = `
import { closeSync, openSync } from "node:fs";
const { startPushmail } = await import("pushmail");
const { store, close } = await startPushmail({ users: { "${USER}": "secret" } });
const logIn = () => store.authenticate("${USER}", "geh\u00e4use").catch(({ code }) => console.log(code));
// It has looked where they are.
await new Promise(setImmediate);
const taken = [];
try { for (;;) taken.push(openSync("/dev/null")); } catch {}
await logIn();
for (const descriptor of taken) closeSync(descriptor);
await logIn();
await close();
`;

it("a server in memory loads the tables of SASLprep when it can, where it could not before", () => {
  const command = [
    "-c",
    `ulimit -n ${3 * DESCRIPTORS}; exec "$0" "$@"`,
    process.execPath,
    "--input-type=module",
    "--eval",
  ];
  const said = execFileSync("sh", [...command, PASSWORDS], { cwd: join(process.cwd(), "packages/pushmail") });
  expect(said.toString().split("\n")).toEqual(["EMFILE", "authenticationFailed", ""]);
});

it("says so where there are too few to begin with", async () => {
  await expect(ServerProcess.start([], {}, "ulimit -n 24")).rejects.toThrow(
    "the server ended (2) before it was ready:\npushmail: too few file descriptors to begin with (see ulimit -n)",
  );
});
