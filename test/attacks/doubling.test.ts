// Twice the input costs twice the work, not four times, counted in blocks of code that run in the whole server: for
// every input whose length a client chooses. What cannot be counted so has a bound, see docs/limits.md.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { MemoryImap } from "../support/memory-imap.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { WorkMeter } from "../support/work-meter.ts";

/** No limit that makes anything linear; and nothing is done by the clock. */
const UNLIMITED = {
  tickMs: 3_600_000,
  wire: {
    lineBytesMax: 1e9,
    literalsMax: 1e9,
    literalBytesMax: 1e9,
    searchDepthMax: 1e9,
    searchKeysMax: 1e9,
    fetchItemsMax: 1e9,
    listPatternCharsMax: 1e9,
  },
};

const times = (count: number, text: string | ((i: number) => string)): string =>
  Array.from({ length: count }, (_, i) => (typeof text === "string" ? text : text(i))).join("");

const meter = new WorkMeter();
let imap: MemoryImap;
let client: RawImap;

beforeAll(() => meter.start());
afterAll(() => meter.stop());

beforeEach(async () => {
  imap = await MemoryImap.start({ limits: UNLIMITED });
});
afterEach(async () => {
  client.close();
  await imap.close();
});

async function open(): Promise<void> {
  client = await imap.open("INBOX");
}

const expectLinear = meter.expectLinear.bind(meter);

const COMMANDS: Readonly<Record<string, readonly [count: number, command: (count: number) => string]>> = {
  "the same range again and again": [400, (n) => `FETCH ${times(n, "1:*,")}1 FLAGS`],
  "ranges from the last to the first": [400, (n) => `UID FETCH ${times(n, (i) => `${2 * (n - i) + 5},`)}1 FLAGS`],
  "ranges beyond all messages": [400, (n) => `UID SEARCH UID ${times(n, (i) => `${3 * i + 9}:${3 * i + 10},`)}1:*`],
  "a set for each key of a search": [200, (n) => `SEARCH ${times(n, "1:4294967295 ")}ALL`],
  "NOT of NOT": [200, (n) => `SEARCH ${times(n, "NOT ")}ALL`],
  "OR of OR": [200, (n) => `SEARCH ${times(n, "OR DELETED ")}ALL`],
  "brackets in brackets": [200, (n) => `SEARCH ${times(n, "(")}ALL${times(n, ")")}`],
  "texts that are not there": [50, (n) => `SEARCH ${times(n, (i) => `OR TEXT none-${i} `)}TEXT none`],
  "fields that are not there": [200, (n) => `FETCH 1:* BODY.PEEK[HEADER.FIELDS (${times(n, (i) => `X-${i} `)}To)]`],
  "items of the same kind": [200, (n) => `FETCH 1:* (${times(n, "FLAGS ")}UID)`],
  "parts within parts that are not there": [400, (n) => `FETCH 1 BODY.PEEK[${times(n, "1.")}1]`],
  wildcards: [200, (n) => `LIST "" ${times(n, "*a%")}b`],
  "wildcards alone": [400, (n) => `LIST "" ${times(n, "*%")}`],
  "levels of a mailbox name": [300, (n) => `STATUS ${times(n, "a/")}a (MESSAGES)`],
  "shifts of modified UTF-7": [300, (n) => `STATUS ${times(n, "&AOk-x")} (MESSAGES)`],
  "ID parameters": [300, (n) => `ID (${times(n, (i) => `"x-${i}" NIL `)}"x" NIL)`],
  literals: [50, (n) => `LIST "" ${times(n, "{1+}\r\na")}`],
  "a long tag": [2_000, (n) => `${times(n, "a")} NOOP`],
  "a long atom": [2_000, (n) => `${times(n, "FETCH")} 1`],
  "a long number": [2_000, (n) => `FETCH ${times(n, "9")} FLAGS`],
  "keys of SORT": [200, (n) => `SORT (${times(n, "REVERSE SUBJECT ")}DATE) UTF-8 ALL`],
  "events of NOTIFY": [50, (n) => `NOTIFY SET ${times(n, "(PERSONAL (MessageNew MessageExpunge)) ")}(SELECTED NONE)`],
  "items of STATUS": [200, (n) => `STATUS INBOX (${times(n, "MESSAGES ")}UNSEEN)`],
  "patterns of LIST": [100, (n) => `LIST "" (${times(n, (i) => `a${i}* `)}b)`],
  "entries of METADATA": [50, (n) => `GETMETADATA INBOX (${times(n, (i) => `/private/x${i} `)}/private/y)`],
  "mailboxes of ESEARCH": [50, (n) => `ESEARCH IN (mailboxes (${times(n, (i) => `a${i} `)}INBOX)) ALL`],
  "capabilities that nobody knows": [200, (n) => `ENABLE ${times(n, (i) => `X${i} `)}X`],
  "pieces of a message": [50, (n) => `APPEND Drafts CATENATE (${times(n, "TEXT {1+}\r\na ")}TEXT {1+}\r\nb)`],
  "messages of one APPEND": [30, (n) => `APPEND Drafts${times(n, " {4+}\r\nA: b")}`],
  "what a client knows of the mailbox": [
    400,
    (n) => `SELECT INBOX (QRESYNC (1 1 ${times(n, (i) => `${2 * i + 1},`)}${3 * n} (1:3 1:3)))`,
  ],
  flags: [100, (n) => `STORE 1:* -FLAGS.SILENT (${times(n, (i) => `none-${i} `)}none)`],
};

describe("twice as much in a command costs twice the work", () => {
  it.each(Object.entries(COMMANDS))("%s", async (_, [count, command]) => {
    await imap.append("Subject: one of three\r\nTo: a@b\r\n\r\ntext\r\n", { count: 3 });
    await open();
    await expectLinear((n) => client.command(command(n)), count);
  });

  it("a line that comes byte by byte", async () => {
    await open();
    await expectLinear(async (n) => {
      client.write("x NO");
      for (let i = 0; i < n; i++) client.write("O");
      client.write("P\r\n");
      await client.until((response) => response.startsWith("x "), "the end of the line");
    }, 500);
  });
});

const HEADERS: Readonly<Record<string, (count: number) => string>> = {
  fields: (n) => times(n, (i) => `X-${i}: y\r\n`),
  "the same field": (n) => times(n, "Subject: y\r\n"),
  "folded lines": (n) => `Subject: y\r\n${times(n, " y\r\n")}`,
  addresses: (n) => `To: ${times(n, (i) => `a${i}@b,\r\n `)}c@d\r\n`,
  groups: (n) => `To: ${times(n, (i) => `g${i}: a@b;, `)}c@d\r\n`,
  "comments in comments": (n) => `To: ${times(n, "(")}x${times(n, ")")} c@d\r\n`,
  "encoded words": (n) => `Subject: ${times(n, "=?utf-8?q?=C3=A9?= ")}\r\n`,
  "beginnings of encoded words": (n) => `Subject: ${times(n, "=?utf-8?q?")}\r\n`,
  "charsets that nobody knows": (n) => `Subject: ${times(n, (i) => `=?x-${i}?b?AAAA?=`)}\r\n`,
  references: (n) => `References: ${times(n, (i) => `<${i}@b>\r\n `)}<x@y>\r\n`,
  parameters: (n) => `Content-Type: text/plain${times(n, (i) => `;\r\n p${i}=v`)}\r\n`,
  "continued parameters": (n) => `Content-Type: text/plain${times(n, (i) => `;\r\n p*${i}*=%41`)}\r\n`,
};

const multipart = (inside: string): string => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${inside}--b--\r\n`;
const BODIES: Readonly<Record<string, (count: number) => string>> = {
  parts: (n) => multipart(times(n, "--b\r\n\r\nx\r\n")),
  "parts in parts": (n) => times(n, (i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`),
  "messages in messages": (n) => times(n, "Content-Type: message/rfc822\r\n\r\n"),
  "lines like boundaries": (n) => multipart(times(n, "--bb\r\n--\r\n-\r\n")),
  "quoted-printable": (n) => `Content-Transfer-Encoding: quoted-printable\r\n\r\n${times(n, "=C3=A9=\r\n")}`,
  base64: (n) => `Content-Transfer-Encoding: base64\r\n\r\n${times(n, "w6k=\r\n")}`,
  "tags of HTML": (n) => `Content-Type: text/html\r\n\r\n${times(n, "<a<a<!--")}`,
};

describe("twice as much in a mail costs twice the work, to take it and to tell it", () => {
  const mails = [...Object.entries(HEADERS), ...Object.entries(BODIES)];
  it.each(mails)("%s", async (name, make) => {
    await open();
    const end = name in HEADERS ? "\r\ntext\r\n" : "";
    await expectLinear(async (n) => {
      const [{ uid } = { uid: 0 }] = await imap.append(make(n) + end);
      await client.ok("NOOP");
      await client.ok(`UID FETCH ${uid} (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (To)] BODY.PEEK[1])`);
      await client.ok(`UID SEARCH UID ${uid} OR SUBJECT none OR FROM none OR HEADER X-1 none TEXT none`);
    }, 60);
  });
});

// What regular expressions do is not counted: the square of this would take minutes.
it("a search for a long run of colons is answered", async () => {
  await open();
  await imap.append("Subject: a:b\r\n\r\n");
  await client.ok("NOOP");
  await client.ok(`SEARCH HEADER X-1 "a${times(600_000, ":")}b"`);
});

it("as many keys of a search as fields of a header, of twice as many each", async () => {
  await open();
  await expectLinear(async (n) => {
    const [{ uid } = { uid: 0 }] = await imap.append(`Subject: =?utf-8?q?x?=\r\n${times(n, "X: y\r\n")}\r\n`);
    await client.ok("NOOP");
    await client.ok(`UID SEARCH UID ${uid} ${times(n, (i) => `OR TEXT none-${i} OR HEADER X none-${i} `)}TEXT none`);
  }, 100);
});

const mailOf = (id: number, references: string): string =>
  `Subject: one of a thread\r\nMessage-ID: <${id}@b>\r\nReferences: ${references}\r\n\r\n`;
/** Mails that make threads of shapes that cost the most, where shapes can. */
const THREADS: Readonly<Record<string, (i: number, n: number) => string>> = {
  "each answers the one before": (i) => mailOf(i, `<${i - 1}@b>`),
  "each answers the one behind": (i) => mailOf(i, `<${i + 1}@b>`),
  "each answers the first": (i) => mailOf(i, "<0@b>"),
  "each answers itself and the next, in a ring": (i, n) => mailOf(i, `<${i}@b> <${(i + 1) % n}@b>`),
  "all have the same id": () => mailOf(1, "<1@b>"),
  "each answers one that is not there": (i) => mailOf(i, `<x${i}@b> <y${i}@b>`),
};

describe("twice as long a thread costs twice the work", () => {
  it.each(Object.entries(THREADS))("where %s", async (_, make) => {
    await open();
    await expectLinear(async (n) => {
      await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)");
      await client.ok("EXPUNGE");
      for (let i = 0; i < n; i++) await imap.append(make(i, n));
      await client.ok("NOOP");
      await client.ok("THREAD REFERENCES UTF-8 ALL");
      await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL");
      await client.ok("SORT (SUBJECT FROM REVERSE DATE) UTF-8 ALL");
    }, 60);
  });
});

describe("twice as long a thread costs twice the work, when all of it is known,", () => {
  const CHAIN = 20;
  const chained = (at: number): string => `<${at}@c> `;
  const SHAPES: Readonly<Record<string, readonly [count: number, make: (i: number, n: number) => string]>> = {
    "where every other message comes when all others are there": [
      400,
      (i, n) => {
        const id = ((2 * i) % n) + (2 * i < n ? 1 : 0);
        return mailOf(id, `<${id - 2}@b> <${id - 1}@b>`);
      },
    ],
    "where each makes a chain longer and says again and again that its beginning is below it": [
      100,
      (i) => {
        const longer = times(CHAIN + 1, (j) => chained(CHAIN * i + j));
        return mailOf(i, longer + times(CHAIN, chained(0) + chained(CHAIN * i)));
      },
    ],
  };
  it.each(Object.entries(SHAPES))("%s", async (_, [half, make]) => {
    await open();
    async function workOf(count: number): Promise<number> {
      await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)");
      await client.ok("EXPUNGE");
      for (let i = 0; i < count; i++) await imap.append(make(i, count));
      await client.ok("NOOP");
      await client.ok("THREAD REFERENCES UTF-8 ALL");
      return meter.measure(() => client.ok("THREAD REFERENCES UTF-8 ALL"));
    }
    await workOf(half / 4);
    const single = await workOf(half);
    expect((await workOf(2 * half)) / single).toBeLessThan(2.3);
  });
});

describe("twice as many messages cost twice the work", () => {
  const odd = (n: number): string => times(n / 2, (i) => `${2 * i + 1},`) + "1";
  const ACTIONS: Readonly<Record<string, (n: number) => Promise<unknown>>> = {
    "every other one expunged": async (n) => {
      await client.ok(`STORE ${odd(n)} +FLAGS.SILENT (\\Deleted)`);
      await client.ok("EXPUNGE");
    },
    "every other one moved": (n) => client.ok(`MOVE ${odd(n)} Archive`),
    "every other one expunged before a client comes back": async (n) => {
      const [status = ""] = await client.ok("STATUS INBOX (UIDNEXT UIDVALIDITY)");
      const [uidNext = 0, uidValidity = 0] = (status.match(/\d+/g) ?? []).map(Number);
      const known = (first: number): string => times(n / 2, (i) => `${first + 2 * i},`) + String(first + n - 1);
      await client.ok(`STORE ${odd(n)} +FLAGS.SILENT (\\Deleted)`);
      await client.ok("EXPUNGE");
      await client.ok("ENABLE QRESYNC");
      const matches = `(${known(1)} ${known(uidNext - n)})`;
      await client.ok(`SELECT INBOX (QRESYNC (${uidValidity} 1 ${known(uidNext - n)} ${matches}))`);
    },
    "every other one leaves a search that is kept up to date": async (n) => {
      await client.ok("SEARCH RETURN (UPDATE ALL) UNSEEN");
      await client.ok("SORT RETURN (UPDATE ALL) (REVERSE ARRIVAL) UTF-8 UNSEEN");
      await client.ok(`STORE ${odd(n)} +FLAGS.SILENT (\\Seen)`);
      await client.ok("SELECT INBOX");
    },
    "as many come to a sorted search that is kept up to date": async (n) => {
      await client.ok("SORT RETURN (UPDATE ALL) (REVERSE ARRIVAL) UTF-8 ALL");
      await imap.append("Subject: one more\r\n\r\n", { count: n });
      await client.ok("NOOP");
      await client.ok("SELECT INBOX");
    },
    "each with keywords of its own": async (n) => {
      for (let i = 1; i <= n; i += 5) await client.ok(`STORE ${i} FLAGS (k${i % 50} k${i % 7})`);
    },
  };
  it.each(Object.entries(ACTIONS))("%s", async (_, act) => {
    await open();
    await expectLinear(async (n) => {
      await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)");
      await client.ok("EXPUNGE");
      await imap.append("Subject: one of many\r\n\r\n", { count: n });
      await client.ok("NOOP");
      await act(n);
    }, 200);
  });
});

describe("twice as many mailboxes cost twice the work", () => {
  const each = async (n: number, command: (name: string) => string): Promise<void> => {
    for (let i = 0; i < n; i++) await client.ok(command(`of-${i % 7}/m-${i}`));
  };
  const ACTIONS: Readonly<Record<string, (n: number) => Promise<unknown>>> = {
    subscribed: async (n) => {
      await each(n, (name) => `SUBSCRIBE ${name}`);
      await client.ok('LSUB "" *');
      await each(n, (name) => `UNSUBSCRIBE ${name}`);
    },
    made: (n) => each(n, (name) => `CREATE ${name}`),
    listed: async (n) => {
      await each(n, (name) => `CREATE ${name}`);
      await client.ok('LIST "" (* %/%) RETURN (CHILDREN STATUS (MESSAGES UNSEEN))');
    },
    searched: async (n) => {
      await each(n, (name) => `CREATE ${name}`);
      await client.ok("ESEARCH IN (personal) RETURN (COUNT) ALL");
    },
    "told of to who asked by NOTIFY": async (n) => {
      await client.ok("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange))");
      await each(n, (name) => `SUBSCRIBE ${name}`);
      await each(n, (name) => `CREATE ${name}`);
      await each(n, (name) => `APPEND ${name} {4+}\r\nA: b`);
      await each(n, (name) => `UNSUBSCRIBE ${name}`);
      await client.ok("NOTIFY NONE");
    },
  };
  it.each(Object.entries(ACTIONS))("%s", async (name, act) => {
    await open();
    await expectLinear(async (n) => {
      await act(n);
      if (name === "subscribed") return;
      await each(n, (mailbox) => `DELETE ${mailbox}`);
      for (let i = 0; i < 7; i++) await client.ok(`DELETE of-${i}`);
    }, 70);
  });
});
