// Lines, tags, literals, numbers and sets as large as a client can write them: each is refused where it is too large and
// carried out where it is not, at the cost of what is there, and the session goes on.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { LineClient } from "../support/line-client.ts";
import { MemoryImap } from "../support/memory-imap.ts";
import type { RawImap } from "../support/raw-imap.ts";

const MESSAGES = 3;
const KIB = 1024;
/** More digits than any number has that a machine counts with. */
const HUGE = "9".repeat(1_000);

let imap: MemoryImap;
let client: RawImap;

beforeAll(async () => {
  imap = await MemoryImap.start();
  await imap.append("Subject: one of three\r\n\r\ntext\r\n", { count: MESSAGES });
  client = await imap.open("INBOX");
});

afterAll(async () => {
  expect(imap.errors).toEqual([]);
  client.close();
  await imap.close();
});

beforeEach(() => imap.work.reset());

describe("before login", () => {
  const max = DEFAULT_IMAP_LIMITS.bytesBeforeLoginMax;

  it.each([
    ["a line", `b LOGIN ${"x".repeat(max)} y\r\n`, "b BAD Command line too long"],
    ["a line of blanks", `b${" ".repeat(max)}NOOP\r\n`, "b BAD Command line too long"],
    ["a line with lone CRs", `b ${"\r".repeat(max)}\r\n`, "b BAD Command line too long"],
    ["a literal that waits", `b LOGIN {${max + 1}}\r\n`, "b BAD Literal too large"],
    ["a literal that does not", `b LOGIN {${max + 1}+}\r\n${"x".repeat(max + 1)}\r\n`, "b BAD Literal too large"],
    ["a size that is no number", `b LOGIN {${"9".repeat(20)}}\r\n`, "b BAD Literal too large"],
    ["a size of even more digits", `b LOGIN {${HUGE}}\r\n`, /^b BAD /],
    ["a tag", `${"t".repeat(max)} NOOP\r\n`, /^\* BAD Command line too long$/],
    ["a password for AUTHENTICATE", `b AUTHENTICATE PLAIN ${"A".repeat(max)}\r\n`, "b BAD Command line too long"],
  ])("%s is refused, and the next command is taken", async (_, said, answer) => {
    for (const cut of said.length < 2_000 ? (["whole", "byte by byte"] as const) : (["whole"] as const)) {
      const stranger = await LineClient.connect(imap.server.address);
      await stranger.line();
      await stranger.send(`a NOOP\r\n${said}c NOOP\r\n`, cut);
      expect(await stranger.line()).toBe("a OK NOOP completed");
      expect(await stranger.line()).toMatch(typeof answer === "string" ? new RegExp(`^${answer}$`) : answer);
      expect(await stranger.line()).toBe("c OK NOOP completed");
      stranger.destroy();
    }
  });
});

describe("after login", () => {
  const literals = (count: number): string => `LIST "" ${"{1+}\r\na".repeat(count)}`;

  it.each([
    ["a line", `LIST "" ${"x".repeat(64 * KIB)}`, "BAD Command line too long"],
    ["a mailbox name", `CREATE ${"x".repeat(60 * KIB)}`, /^NO \[CANNOT\] /],
    ["a pattern", `LIST "" ${"*".repeat(1_001)}`, /^BAD /],
    ["a pattern behind a reference", `LIST ${"x".repeat(600)} ${"*".repeat(600)}`, /^BAD /],
    ["literals together", `CREATE {40000+}\r\n${"x".repeat(40_000)} {40000+}\r\n${"y".repeat(40_000)}`, /^BAD /],
    ["the number of literals", literals(101), "BAD Too many literals"],
    ["a message", "APPEND INBOX {67108865}", /^NO \[TOOBIG\] /],
    ["a message of a size that is no number", `APPEND INBOX {${"9".repeat(20)}}`, /^NO \[TOOBIG\] /],
    ["a sequence number", "FETCH 4294967296 FLAGS", /^BAD /],
    ["the digits of a sequence number", `FETCH ${HUGE} FLAGS`, /^BAD /],
    ["the digits of a UID", `UID FETCH 1:${HUGE} FLAGS`, /^BAD /],
    ["the digits of a size", `SEARCH LARGER ${HUGE}`, /^BAD /],
    ["the digits of a MODSEQ", `FETCH 1:* FLAGS (CHANGEDSINCE ${HUGE})`, /^BAD /],
    ["the digits of UNCHANGEDSINCE", `STORE 1:* (UNCHANGEDSINCE ${HUGE}) FLAGS (a)`, /^BAD /],
    ["the digits of a part", `FETCH 1 BODY.PEEK[${HUGE}]`, /^BAD /],
    ["the digits of an offset", `FETCH 1 BODY.PEEK[]<${HUGE}.1>`, /^BAD /],
    ["the year of a date", `SEARCH SINCE 1-Jan-${HUGE}`, /^BAD /],
    ["the items of FETCH", `FETCH 1 (${"FLAGS ".repeat(100)}UID)`, /^BAD /],
    ["the keys of SEARCH", `SEARCH ${"ALL ".repeat(1_000)}ALL`, /^BAD /],
    ["the nesting of SEARCH", `SEARCH ${"NOT ".repeat(250)}ALL`, /^BAD /],
    ["the nesting of brackets", `SEARCH ${"(".repeat(20_000)}ALL${")".repeat(20_000)}`, /^BAD /],
    ["the nesting of OR", `SEARCH ${"OR ALL ".repeat(5_000)}ALL`, /^BAD /],
    ["the flags of a message", `STORE 1 FLAGS (${Array.from({ length: 129 }, (_, i) => `k${i}`).join(" ")})`, /^NO /],
    ["a keyword", `STORE 1 FLAGS (${"k".repeat(201)})`, /^NO /],
  ])("%s: too large is refused", async (_, command, answer) => {
    const { untagged, status } = await client.command(command);
    expect(untagged).toEqual([]);
    if (typeof answer === "string") expect(status).toBe(answer);
    else expect(status).toMatch(answer);
    expect(imap.work).toMatchObject({ bodyReads: 0, metadata: 0, details: 0 });
    await client.ok("NOOP");
  });

  it.each([
    ["a tag as long as a line may be", `${"t".repeat(60 * KIB)} NOOP`],
    ["a tag of every character that one may have", `${"!\"#$&',-./09:;<=>?@AZ[]^_`az|}~".replace('"', "")} NOOP`],
  ])("%s comes back", async (_, command) => {
    client.write(`${command}\r\n`);
    expect(await client.next()).toBe(`${command.split(" ")[0]} OK NOOP completed`);
  });

  it("a part or an offset beyond all octets is empty, and costs nothing", async () => {
    const items = "BODY.PEEK[4294967295] BODY.PEEK[]<4294967295.4294967295> BODY.PEEK[]<0.4294967295>";
    const [told] = await client.ok(`FETCH 1 (${items})`);
    expect(told).toMatch(/BODY\[4294967295\] (NIL|"") BODY\[\]<4294967295> "" BODY\[\]<0> \{\d+\}/);
  });
});

describe("a set of four thousand million numbers", () => {
  const SETS = [
    "1:4294967295",
    "4294967295:1",
    "*:1,1:4294967295,2",
    `${"1:*,".repeat(5_000)}1`,
    `1:3${",4294967295:4".repeat(4_000)}`,
  ].map((set): [string, string] => [set.slice(0, 30), set]);
  const messages = Array.from({ length: MESSAGES }, (_, i) => i + 1);

  it.each(SETS)("names no message that is not there, by its number: %s", async (_, set) => {
    const { untagged, status } = await client.command(`FETCH ${set} (UID RFC822.SIZE)`);
    // RFC 9051 9 seq-number: it is a fault to name one.
    const isFault = set.includes("4294967295");
    expect(status).toMatch(isFault ? /^BAD / : /^OK /);
    const numbers = untagged.map((response) => Number(/^\* (\d+) FETCH/.exec(response)?.[1]));
    expect(numbers).toEqual(isFault ? [] : messages);
    expect(imap.work.metadata + imap.work.details).toBeLessThanOrEqual(MESSAGES);
  });

  it.each(SETS)("of UIDs is as many messages as there are, for every command that takes one: %s", async (_, set) => {
    expect(await client.ok(`UID SEARCH UID ${set}`)).toEqual([`* SEARCH ${messages.join(" ")}`]);
    expect(await client.ok(`UID FETCH ${set} (UID)`)).toHaveLength(MESSAGES);
    expect(await client.ok(`UID STORE ${set} +FLAGS (\\Flagged)`)).toHaveLength(MESSAGES);
    expect((await client.command(`UID COPY ${set} Archive`)).status).toMatch(/^OK \[COPYUID \d+ 1:3 \d+:\d+\]/);
    const archive = await imap.open("Archive");
    expect((await archive.command(`UID MOVE ${set} Trash`)).status).toMatch(/^OK/);
    expect(await archive.ok(`UID EXPUNGE ${set}`)).toEqual([]);
    archive.close();
    // Once for each message and command, and nothing for those that are not there.
    expect(imap.work.metadata + imap.work.details).toBeLessThanOrEqual(MESSAGES * 5);
    await client.ok("UID STORE 1:* -FLAGS.SILENT (\\Flagged)");
  });
});
