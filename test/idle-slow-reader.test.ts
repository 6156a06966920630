// A client in IDLE that does not read for a while: nothing that happens meanwhile may be forgotten.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Socket } from "node:net";
import { MemoryImap } from "./support/memory-imap.ts";
import { turnsOfEventLoop } from "./support/seeded-random.ts";

const MESSAGES = 50_000;

let imap: MemoryImap;

beforeEach(async () => {
  imap = await MemoryImap.start();
  await imap.append("Subject: one of many\r\n\r\n", { count: MESSAGES });
});

afterEach(() => imap.close());

describe("a client in IDLE that does not read", () => {
  it("hears, once it reads again, of a mail that came while its output was stuck", async () => {
    const client = await imap.open("INBOX");
    await client.idle();
    const [socket] = imap.sockets as [Socket];
    client.socket.pause();
    const mailbox = await imap.store.mailbox(imap.account.id, "INBOX");
    const at = { account: imap.account.id, mailbox: mailbox?.id ?? (0 as never) };
    for (let round = 0; !socket.writableNeedDrain; round++) {
      expect(round).toBeLessThan(100);
      const mode = round % 2 === 0 ? "add" : "remove";
      await imap.store.setFlags(at, [[1, MESSAGES]], { mode, flags: ["$Changed"] });
      await turnsOfEventLoop(200);
    }
    await imap.append("Subject: the one\r\n\r\n");
    await turnsOfEventLoop(5);
    expect(socket.writableNeedDrain).toBe(true);
    client.socket.resume();
    await client.until((response) => response === `* ${MESSAGES + 1} EXISTS`, "the mail that came meanwhile");
    client.close();
  });
});
