// Many who guess passwords, from many addresses and by every way to log in: each address gets one guess and then waits,
// and the owner of the account logs in all the while. How long they wait is so long here that none is let on.
import crypto from "node:crypto";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ALICE, AttackedServer, PASSWORD } from "../support/attacked-server.ts";
import { within } from "../support/deadline.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { turnsOfEventLoop } from "../support/seeded-random.ts";

const HOUR_MS = 3_600_000;
const GUESSERS = 20;
const GUESSES_EACH = 5;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

type Hash = (...args: unknown[]) => void;

const scrypt = crypto.scrypt as Hash;
let server: AttackedServer;
let hashes = 0;
/** Hashes that are held back; undefined where none is. */
let held: (() => void)[] | undefined;
const sockets: Socket[] = [];

beforeEach(() => {
  hashes = 0;
  const counting: Hash = (...args) => {
    hashes++;
    const go = (): void => Reflect.apply(scrypt, crypto, args);
    if (held === undefined) go();
    else held.push(go);
  };
  Object.assign(crypto, { scrypt: counting });
});

afterEach(async () => {
  Object.assign(crypto, { scrypt });
  for (const go of held ?? []) go();
  held = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

/** One guess from an address, by IMAP or by submission. */
async function guess(localAddress: string, account: string, password: string): Promise<void> {
  const isImap = sockets.length % 2 === 0;
  const socket = connect({ ...server.address(isImap ? "imap" : "submission"), localAddress });
  sockets.push(socket);
  socket.on("error", () => undefined).resume();
  await within(once(socket, "connect"), "a connection");
  socket.write(
    isImap
      ? `a LOGIN ${account} ${password}\r\n`
      : `EHLO guesser\r\nAUTH PLAIN ${base64(`\0${account}\0${password}`)}\r\n`,
  );
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const turns = async (): Promise<void> => {
    while (!isSo()) await turnsOfEventLoop(1);
  };
  await within(turns(), what);
}

const failures = (): number => server.logged.filter(({ message }) => message === "login failed").length;

async function ownerLogsIn(): Promise<void> {
  const imap = await RawImap.open(server.address("imap"), { user: ALICE, password: PASSWORD, mailbox: "INBOX" });
  imap.close();
  const submission = await RawSmtp.connect(server.address("submission"));
  expect(await submission.command(`AUTH PLAIN ${base64(`\0${ALICE}\0${PASSWORD}`)}`)).toMatch(/^235 /);
  submission.close();
}

describe("guesses", () => {
  const slow = { login: { loginDelayMs: HOUR_MS, loginDelayMsMax: HOUR_MS }, smtp: { authFailureDelayMs: 0 } };

  it(`of one password from ${GUESSERS} addresses are looked at once for each, and keep its owner waiting nowhere`, async () => {
    server = await AttackedServer.start(slow);
    hashes = 0;
    for (let i = 0; i < GUESSERS * GUESSES_EACH; i++) await guess(`127.0.2.${1 + (i % GUESSERS)}`, ALICE, `guess-${i}`);
    await until(() => failures() >= GUESSERS, "a guess of each address");
    await ownerLogsIn();
    await turnsOfEventLoop(200);
    // The owner's password was looked at once: it is known then.
    expect({ failures: failures(), hashes }).toEqual({ failures: GUESSERS, hashes: GUESSERS + 1 });
  });

  it("of many accounts from one address are looked at so many times, and then no more", async () => {
    const loginFailuresPerNetworkMax = 5;
    server = await AttackedServer.start({ ...slow, login: { ...slow.login, loginFailuresPerNetworkMax } });
    // Who logged in from there before is not taken for the guesser.
    await ownerLogsIn();
    hashes = 0;
    for (let i = 0; i < 60; i++) {
      await guess("127.0.0.1", `user-${i}@example.org`, "guess");
      if (i <= loginFailuresPerNetworkMax) await until(() => failures() > i, "a guess");
    }
    await turnsOfEventLoop(200);
    expect({ failures: failures(), hashes }).toEqual({ failures: 6, hashes: 6 });
    await ownerLogsIn();
  });
});

describe("logins beyond what the hashes of this machine allow", () => {
  it("are told so at once, and whose password is known is let in", async () => {
    server = await AttackedServer.start({ store: { passwordChecksAtOnce: 1, passwordChecksQueuedMax: 1 } });
    await ownerLogsIn();
    hashes = 0;
    held = [];
    // One is looked at, one waits, whichever they are.
    const clients = await Promise.all([1, 2, 3].map(() => RawImap.connect(server.address("imap"))));
    const answers = clients.map((client, i) => client.command(`LOGIN guess-${i}@example.org guess`));
    const { status } = await within(Promise.race(answers), "a refusal");
    expect(status).toBe("NO [UNAVAILABLE] Too many logins at once, try again later");
    const submission = await RawSmtp.connect(server.address("submission"));
    expect(await submission.command(`AUTH PLAIN ${base64("\0guess@example.org\0guess")}`)).toBe(
      "454 4.7.0 Too many logins at once, try again later",
    );
    await ownerLogsIn();
    expect(hashes).toBe(1);
    for (const go of held.splice(0)) go();
    held = undefined;
    await Promise.all(answers);
    for (const client of clients) client.close();
    submission.close();
  });
});
