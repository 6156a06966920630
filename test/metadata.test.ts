// Metadata (RFC 5464) where a transcript does not reach: octets of any kind, the store's bounds, a client left behind.
import { describe, expect, it } from "@jest/globals";
import { startPushmail } from "pushmail";
import { memoryImapOfTest } from "./support/memory-imap.ts";
import { RawImap } from "./support/raw-imap.ts";
import type { Address } from "./support/server-process.ts";

const startImap = memoryImapOfTest();

describe("metadata", () => {
  it("of the server are what its settings say", async () => {
    const settings = { serverComment: "Open on \u00fcbermorgen", adminContact: "mailto:admin@example.org" };
    const pushmail = await startPushmail({ ...settings, users: { "alice@example.org": "secret" } });
    try {
      const client = await RawImap.open(pushmail.imap as Address, { user: "alice@example.org", password: "secret" });
      expect(await client.ok('GETMETADATA "" (/shared/comment /shared/admin)')).toEqual([
        '* METADATA "" (/shared/comment {19}\r\nOpen on \xc3\xbcbermorgen /shared/admin "mailto:admin@example.org")',
      ]);
      client.close();
    } finally {
      await pushmail.close();
    }
  });

  it("are octets of any kind", async () => {
    const imap = await startImap();
    const client = await imap.open();
    await client.ok("SETMETADATA INBOX (/private/a ~{4+}\r\n\0\xff\r\n /shared/b {1+}\r\n\xe9)");
    expect(await client.ok("GETMETADATA INBOX (/private/a /shared/b)")).toEqual([
      "* METADATA INBOX (/private/a ~{4}\r\n\0\xff\r\n /shared/b {1}\r\n\xe9)",
    ]);
    client.close();
  });

  it("beyond what a mailbox or an account may have are refused", async () => {
    const imap = await startImap({ storeLimits: { metadataEntriesMax: 2, metadataBytesMax: 500 } });
    const client = await imap.open();
    await client.ok('SETMETADATA INBOX (/private/a "1" /private/b "2")');
    const third = await client.command('SETMETADATA INBOX (/private/a "3" /private/c "3")');
    expect(third.status).toBe("NO [METADATA TOOMANY] too many entries of metadata");
    const large = await client.command(`SETMETADATA "" (/private/a "${"x".repeat(300)}")`);
    expect(large.status).toBe("NO [METADATA TOOMANY] too much metadata in this account");
    expect(await client.ok("GETMETADATA INBOX (/private/a /private/c)")).toEqual([
      '* METADATA INBOX (/private/a "1" /private/c NIL)',
    ]);
    client.close();
  });

  it("are all told of where it is no longer known which have changed", async () => {
    const limits = { logRecordsKept: 3, tailRecordsMax: 2, recentRecordsMax: 1 };
    const imap = await startImap({ storeLimits: limits });
    const [client, other] = [await imap.open(), await imap.open()];
    await client.ok("ENABLE METADATA");
    const since = await imap.store.cursor(imap.account.id);
    await other.ok('SETMETADATA Trash (/private/a "1" /shared/b "2")');
    await other.ok('SETMETADATA "" (/private/c "3")');
    // Until the log no longer goes back to where the client is.
    while (!(await imap.store.changes(imap.account.id, since, 1)).tooOld) await other.ok("APPEND INBOX {4+}\r\nx: y");
    expect(await client.ok("NOOP")).toEqual(['* METADATA "" /private/c', "* METADATA Trash /private/a /shared/b"]);
    expect(await client.ok("NOOP")).toEqual([]);
    for (const one of [client, other]) one.close();
  });
});
