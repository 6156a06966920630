// SORT and THREAD by what is kept of messages: the answers of a server that keeps nothing, as messages come and go, and
// without reading them again. ARRANGED_STEPS makes longer runs, TEST_SEED others.
import { afterEach, describe, expect, it } from "@jest/globals";
import {
  DEFAULT_IMAP_LIMITS,
  KeptFacts,
  startImapServer,
  type ImapServer,
  type ImapServerOptions,
} from "@pushmail/imap-idle-server";
import type { MailboxAt, MailboxId } from "@pushmail/mailstore";
import { Draw } from "./support/draw.ts";
import { memoryImapOfTest, overriding, type MemoryImap } from "./support/memory-imap.ts";
import { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const STEPS = Number(process.env["ARRANGED_STEPS"] ?? 40);
const KEYS = ["ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE", "SUBJECT", "TO"];
const IDS = Array.from("abcdefghij", (letter) => `<${letter}@example.org>`);
const NAMES = ["alice", "Bob", '"c d"', "=?utf-8?Q?=C3=A4?=", "", "alice, bob"];
const keepsNothing = { search: { ...DEFAULT_IMAP_LIMITS.search, factBytesMax: 0 } };
const ignore = (): void => undefined;

const startImap = memoryImapOfTest();
const others: ImapServer[] = [];
afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
});

/** A session of another server on the same store. */
async function openOther(
  { store }: MemoryImap,
  options: Partial<Pick<ImapServerOptions, "facts" | "limits" | "store">>,
): Promise<RawImap> {
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const other = await startImapServer({
    store,
    host: "127.0.0.1",
    port: 0,
    hostname: "o.example.org",
    log,
    ...options,
  });
  others.push(other);
  return RawImap.open(other.address, { user: "alice@example.org", password: "secret", mailbox: "INBOX" });
}

function mail(draw: Draw): string {
  const person = (): string => `${draw.of(NAMES)} <${draw.of(["x", "Y", "z"])}@example.${draw.of(["org", "net"])}>`;
  const fields = [
    `Message-ID: ${draw.of(IDS)}`,
    `References: ${draw.several(0, 4, () => draw.of(IDS)).join(" ")}`,
    `In-Reply-To: ${draw.of(IDS)}`,
    `Subject: ${draw.of(["", "Re: ", "[list] ", "Fwd: Re: "])}${draw.of(["", "lunch", "Lunch", "=?utf-8?Q?m=C3=BCde?="])}`,
    `Date: ${new Date(draw.below(1e9) * 1e3).toUTCString()}`,
    `From: ${person()}`,
    `To: ${person()}`,
    `Cc: ${person()}`,
  ].filter(() => draw.chance(0.8));
  return `${fields.join("\r\n")}\r\n\r\n${"x".repeat(draw.below(50))}\r\n`;
}

function question(draw: Draw): string {
  const uid = draw.of(["", "UID "]);
  const key = draw.of(["ALL", `UID ${draw.below(60)}:${draw.below(60)}`, "FROM alice", "SEEN"]);
  if (draw.chance(0.5)) return `${uid}THREAD ${draw.of(["ORDEREDSUBJECT", "REFERENCES", "REFS"])} UTF-8 ${key}`;
  const criteria = draw.several(1, 3, () => draw.of(["", "REVERSE "]) + draw.of(KEYS));
  return `${uid}SORT (${criteria.join(" ")}) UTF-8 ${key}`;
}

describe("what is known of messages", () => {
  it(`gives the answers that they give, in ${STEPS} steps`, async () => {
    const imap = await startImap();
    const draw = new Draw(seededRandom(testSeed()));
    const clients = [await imap.open("INBOX"), await openOther(imap, { limits: keepsNothing })] as const;
    for (let step = 0; step < STEPS; step++) {
      for (let i = draw.below(4); i > 0; i--) await imap.append(mail(draw), { internalDateMs: draw.below(1e9) * 1e3 });
      for (const client of clients) await client.ok("NOOP");
      const gone = draw.several(0, 2, () => 1 + draw.below(2 * step + 1)).join();
      if (gone !== "") await clients[0].ok(`UID STORE ${gone} +FLAGS (\\Deleted \\Seen)`);
      if (draw.chance(0.3)) await clients[0].ok("EXPUNGE");
      await clients[1].ok("NOOP");
      for (const asked of draw.several(1, 4, () => question(draw))) {
        const [kept, read] = [await clients[0].ok(asked), await clients[1].ok(asked)];
        expect({ asked, seed: testSeed(), kept }).toEqual({ asked, seed: testSeed(), kept: read });
      }
    }
    for (const client of clients) client.close();
  });

  it("is read once, and of new messages alone", async () => {
    const imap = await startImap();
    await imap.append("Subject: one\r\n\r\n", { count: 10 });
    const ask = async (command: string): Promise<number> => {
      imap.work.reset();
      const client = await imap.open("INBOX");
      await client.ok(command);
      client.close();
      return imap.work.details;
    };
    expect(await ask("THREAD REFERENCES UTF-8 ALL")).toBe(10);
    expect(await ask("THREAD REFERENCES UTF-8 ALL")).toBe(0);
    expect(await ask("SORT (SUBJECT DATE) UTF-8 ALL")).toBe(0);
    await imap.append("Subject: two\r\n\r\n", { count: 2 });
    expect(await ask("SORT (SUBJECT) UTF-8 ALL")).toBe(2);
    expect(await ask("SORT (FROM) UTF-8 2:4")).toBe(3);
    // The next one lacks something of all, and what is kept has no double.
    expect(await ask("SORT (FROM SUBJECT) UTF-8 ALL")).toBe(9);
    expect(await ask("SORT (ARRIVAL SIZE) UTF-8 ALL")).toBe(0);
  });

  it("is kept once by servers that share it", async () => {
    const imap = await startImap();
    await imap.append("Subject: one\r\n\r\n", { count: 10 });
    const facts = new KeptFacts(1_000_000);
    const held: number[] = [];
    for (let i = 0; i < 2; i++) {
      const client = await openOther(imap, { facts });
      await client.ok("SORT (SUBJECT) UTF-8 ALL");
      held.push(facts.bytes);
      client.close();
    }
    expect(held[0]).toBeGreaterThan(0);
    expect(held[1]).toBe(held[0]);
  });

  it("is kept and counted as far as it was read where a command fails", async () => {
    const imap = await startImap();
    await imap.append("Subject: one\r\n\r\n", { count: 10 });
    let reads = 0;
    const store = overriding(imap.store, {
      async open(at: MailboxAt) {
        const handle = await imap.store.open(at);
        return overriding(handle, {
          details(uids) {
            if (++reads === 3) throw new Error("the disk fails");
            return handle.details(uids);
          },
        });
      },
    });
    const facts = new KeptFacts(1_000_000);
    const limits = { search: { ...DEFAULT_IMAP_LIMITS.search, batchMessagesMax: 5 } };
    const client = await openOther(imap, { store, facts, limits });
    await client.ok("SORT (SUBJECT) UTF-8 1");
    expect((await client.command("SORT (SUBJECT) UTF-8 ALL")).status).toMatch(/^NO \[SERVERBUG\]/);
    const inbox = await imap.store.mailbox(imap.account.id, "INBOX");
    const kept = facts.of({ account: imap.account.id, mailbox: inbox?.id as MailboxId }, 10);
    expect([kept.messages, facts.bytes]).toEqual([5, kept.bytes]);
    client.close();
  });

  it("is read again where there is no room for it", async () => {
    const imap = await startImap({ limits: keepsNothing });
    await imap.append("Subject: one\r\n\r\n", { count: 10 });
    const client = await imap.open("INBOX");
    for (const command of ["THREAD REFERENCES UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL"]) {
      imap.work.reset();
      await client.ok(command);
      expect(imap.work.details).toBe(10);
    }
    client.close();
  });
});
