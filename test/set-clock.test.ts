// The system's clock is set while the server runs: nobody waits longer for it, and nobody's time is over sooner.
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { ALICE, AttackedServer, PASSWORD } from "./support/attacked-server.ts";
import { RawImap } from "./support/raw-imap.ts";
import { RawSmtp } from "./support/raw-smtp.ts";

const DAY_MS = 86_400_000;
const LIMITS = {
  imap: { sessionsBeforeLoginMax: 1, loginGraceMs: 0, tickMs: 1, keepAliveMs: 10 },
  smtp: { connectionsMax: 1, connectionGraceMs: 0, tickMs: 1 },
  login: { loginDelayMs: 1, loginDelayMsMax: 1 },
};

let server: AttackedServer;

beforeEach(async () => {
  server = await AttackedServer.start(LIMITS);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
});

function setClock(byMs: number): void {
  const now = Date.now;
  jest.spyOn(Date, "now").mockImplementation(() => now() + byMs);
}

it("back, and whoever holds the last place still gives way to a newcomer", async () => {
  const [first, mail] = [await RawImap.connect(server.address("imap")), await RawSmtp.connect(server.address("smtp"))];
  setClock(-DAY_MS);
  const second = await RawImap.connect(server.address("imap"));
  await second.ok("NOOP");
  expect(await first.next()).toMatch(/^\* BYE /);
  const other = await RawSmtp.connect(server.address("smtp"));
  expect(await mail.reply()).toMatch(/^421 /);
  second.close();
  other.close();
});

it("back, and a login behind a failed one is looked at in time", async () => {
  const guesser = await RawImap.connect(server.address("imap"));
  for (const _ of [1, 2]) expect((await guesser.command(`LOGIN ${ALICE} wrong`)).status).toMatch(/^NO /);
  setClock(-DAY_MS);
  await guesser.ok(`LOGIN ${ALICE} ${PASSWORD}`);
  guesser.close();
});

it("forward, and nobody has been silent for too long", async () => {
  const [idler, silent] = [await server.imap("INBOX"), await server.imap("INBOX")];
  const guest = await RawImap.connect(server.address("imap"));
  await idler.idle();
  setClock(DAY_MS);
  // By then the server has looked at everybody.
  for (const _ of [1, 2, 3]) expect(await idler.next()).toBe("* OK Still here");
  await silent.ok("NOOP");
  await guest.ok("NOOP");
  for (const client of [idler, silent, guest]) client.close();
});
