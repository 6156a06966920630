// `\Seen` by FETCH over a real socket: it is set behind the octets, and not for what the client was never given.
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { Refusal } from "@pushmail/mailstore";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";

const start = memoryImapOfTest();

const NAMES = ["one", "two", "three"];
/** Each message is read by itself, and the next one while it is told. */
const ONE_BY_ONE = { fetch: { ...DEFAULT_IMAP_LIMITS.fetch, groupOctetsMax: 1 } };

async function fill(imap: MemoryImap): Promise<void> {
  for (const name of NAMES) await imap.append(`Subject: ${name}\r\n\r\n${name}`);
}

describe("\\Seen", () => {
  it("is set when the octets have been sent, which nobody waits with", async () => {
    let sent: (() => void) | undefined;
    const isSent = new Promise<void>((resolve) => (sent = resolve));
    const imap = await start({
      inPlace: (store) => ({ setFlags: async (...args) => isSent.then(() => store.setFlags(...args)) }),
    });
    await fill(imap);
    const client = await imap.open("INBOX");
    client.write("a FETCH 1:2 (UID BODY[TEXT])\r\n");
    expect([await client.next(), await client.next()]).toEqual([
      "* 1 FETCH (FLAGS (\\Seen \\Recent) UID 1 BODY[TEXT] {3}\r\none)",
      "* 2 FETCH (FLAGS (\\Seen \\Recent) UID 2 BODY[TEXT] {3}\r\ntwo)",
    ]);
    sent?.();
    expect(await client.next()).toBe("a OK FETCH completed");
    expect(await client.ok("FETCH 1:* FLAGS")).toEqual([
      "* 1 FETCH (FLAGS (\\Seen \\Recent))",
      "* 2 FETCH (FLAGS (\\Seen \\Recent))",
      "* 3 FETCH (FLAGS (\\Recent))",
    ]);
    client.close();
  });

  it("is not set for a client that has gone before it was given the octets", async () => {
    const beforePiece = async (): Promise<void> => {
      const [socket] = imap.sockets as [Socket];
      if (!socket.closed) await once(socket.destroy(), "close");
    };
    const imap = await start({ limits: ONE_BY_ONE, beforePiece });
    await fill(imap);
    const client = await imap.open("INBOX");
    await expect(client.command("FETCH 1:* BODY[]")).rejects.toThrow("the connection ended");
    const other = await imap.open("INBOX");
    expect(await other.ok("SEARCH UNSEEN")).toEqual(["* SEARCH 1 2 3"]);
    expect(imap.work.flagChanges).toBe(0);
    other.close();
  });

  it("is set for what was told before something else went wrong", async () => {
    let reads = 0;
    const beforePiece = (): void => {
      if (++reads === 3) throw new Error("the disk is on fire");
    };
    const imap = await start({ limits: ONE_BY_ONE, beforePiece });
    await fill(imap);
    const client = await imap.open("INBOX");
    const { untagged, status } = await client.command("FETCH 1:* BODY[TEXT]");
    expect(status).toMatch(/^NO \[SERVERBUG\]/);
    expect(await client.ok("SEARCH SEEN")).toEqual([`* SEARCH ${untagged.map((_, i) => i + 1).join(" ")}`]);
    expect(untagged.map((response) => response.includes("FLAGS (\\Seen"))).toEqual([true, true]);
    client.close();
  });

  it("is set of a message with as many flags as it may have, which keeps none of the others unseen", async () => {
    const imap = await start({ storeLimits: { messageFlagsMax: 2 } });
    await imap.append("\r\nfull", { flags: ["$One", "$Two"] });
    await imap.append("\r\nother");
    const client = await imap.open("INBOX");
    expect(await client.ok("FETCH 1:2 BODY[TEXT]")).toEqual([
      "* 1 FETCH (FLAGS (\\Seen $One $Two \\Recent) BODY[TEXT] {4}\r\nfull)",
      "* 2 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {5}\r\nother)",
    ]);
    expect(await client.ok("SEARCH SEEN")).toEqual(["* SEARCH 1 2"]);
    client.close();
  });

  it("is taken back where it cannot be set", async () => {
    const full = new Refusal("storeFull", "no space left");
    const imap = await start({ inPlace: () => ({ setFlags: async () => Promise.reject(full) }) });
    await fill(imap);
    const client = await imap.open("INBOX");
    expect(await client.command("FETCH 3 BODY[TEXT]")).toEqual({
      untagged: ["* 3 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {5}\r\nthree)", "* 3 FETCH (UID 3 FLAGS (\\Recent))"],
      status: "NO [OVERQUOTA] no space left",
    });
    client.close();
  });
});
