// Commands made of pieces of the grammar in random order: whatever a client sends, the server answers or says BYE, and
// never finds a fault of its own.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startImapServer, type ImapServer } from "@pushmail/imap-idle-server";
import { LoginThrottle, openMailStore, openMemoryDriver, type MailStore } from "@pushmail/mailstore";
import { LineClient } from "./support/line-client.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const SESSIONS = 300;
const COMMANDS_MAX = 12;

const NAMES =
  `APPEND AUTHENTICATE CAPABILITY CHECK CLOSE COPY CREATE DELETE ENABLE ESEARCH EXAMINE EXPUNGE FETCH GETQUOTA GETQUOTAROOT ID IDLE LIST LOGIN
  LSUB MOVE NAMESPACE NOOP RENAME REPLACE SEARCH SELECT SORT STATUS STORE SUBSCRIBE THREAD UNSELECT UNSUBSCRIBE UID`.split(
    /\s+/,
  );
const PIECES: readonly string[] = [
  ["INBOX", "Archive", "a/b", '"two words"', '""', "*", "%", "&Jjo-", "&bad", "~peter", "NIL", "*\r\n", "DONE\r\n"],
  ["1", "1:*", "*", "2,4:5", "0", "4294967295", "4294967296", "1:2:3", "99:*", "$"],
  [
    "(",
    ")",
    "[",
    "]",
    "{3}\r\nabc",
    "{3+}\r\nabc",
    "{0}\r\n",
    "{90}\r\n",
    "{99999999999}\r\n",
    "~{2+}\r\n\0\0",
    '"',
    "\\",
  ],
  ["FLAGS", "+FLAGS", "-FLAGS.SILENT", "(\\Seen)", "(\\Deleted \\Flagged)", "(kw)", "\\Recent", "()"],
  [
    "(UNCHANGEDSINCE 1)",
    "(CHANGEDSINCE 1)",
    "(CONDSTORE)",
    "(QRESYNC (1 2))",
    "(SPECIAL-USE)",
    "RETURN (SPECIAL-USE)",
    "RETURN (SUBSCRIBED STATUS (SIZE DELETED-STORAGE))",
    "(SUBSCRIBED RECURSIVEMATCH)",
    "(USE (\\Sent))",
    "EMAILID E1-1",
  ],
  [
    "ALL",
    "FULL",
    "BODY",
    "BODY[]",
    "BODY.PEEK[HEADER.FIELDS (To From)]<0.9>",
    "BODY[1.2.MIME]",
    "BINARY.PEEK[1]<0.5>",
    "BINARY.SIZE[1]",
    "PREVIEW (LAZY)",
    "ENVELOPE",
    "UID",
    "MODSEQ",
  ],
  [
    "CHARSET UTF-8",
    "RETURN (MIN COUNT)",
    "RETURN (SAVE)",
    "IN (selected personal subtree-one Archive)",
    "(SUBJECT REVERSE DATE) UTF-8",
    "REFERENCES UTF-8",
    "NOT",
    "OR",
    "SINCE 1-Jan-2020",
    "TEXT x",
    "HEADER Subject one",
    "KEYWORD kw",
    "LARGER 1",
    "UID 1:*",
  ],
  ["(MESSAGES UIDNEXT)", "(RECENT HIGHESTMODSEQ)", '("name" "x")', "PLAIN", "AGEAYg==", '" 1-Jan-2020 00:00:00 +0000"'],
].flat();

let store: MailStore;
let server: ImapServer;
let random: () => number;
const errors: unknown[] = [];

beforeAll(async () => {
  random = seededRandom(testSeed());
  store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  await store.createAccount({ address: "ann@example.org", password: "secret" });
  const ignore = (): void => undefined;
  const log = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: { readonly err?: unknown }) => void errors.push(fields.err ?? fields),
  };
  const limits = { faultsMax: 1_000 };
  const throttle = new LoginThrottle({ limits: { loginDelayMs: 0 } });
  server = await startImapServer({ store, host: "127.0.0.1", port: 0, hostname: "test", log, limits, throttle });
});

afterAll(async () => {
  await server.close();
  await store.close();
});

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

function nonsense(tag: string): string {
  const pieces = Array.from({ length: Math.floor(random() * 5) }, () => pick(PIECES));
  const text = [tag, pick(NAMES), ...(random() < 0.2 ? [pick(NAMES)] : []), ...pieces].join(" ");
  if (random() > 0.1) return `${text}\r\n`;
  const at = Math.floor(random() * text.length);
  return `${text.slice(0, at)}${String.fromCharCode(Math.floor(random() * 256))}${text.slice(at + 1)}\r\n`;
}

describe("nonsense", () => {
  it(`is answered or ends the session, in ${SESSIONS} sessions of up to ${COMMANDS_MAX} commands`, async () => {
    for (let i = 0; i < SESSIONS; i++) {
      const client = await LineClient.connect(server.address);
      const login = random() < 0.9 ? "l LOGIN ann@example.org secret\r\n" : "";
      const select = random() < 0.8 ? "s SELECT INBOX\r\n" : "";
      const append = "p APPEND INBOX {22+}\r\nSubject: one\r\n\r\ntext\r\n\r\n";
      const commands = Array.from({ length: 1 + Math.floor(random() * COMMANDS_MAX) }, (_, k) => nonsense(`t${k}`));
      // Whatever literal or exchange is open at the end gets what it waits for.
      const end = `${"x".repeat(200)}\r\n*\r\nDONE\r\nzz NOOP\r\n`;
      const said = login + append + select + commands.join("") + end;
      await client.send(said, "whole");
      const answers: string[] = [];
      for (let line = await client.line(); line !== undefined; line = await client.line()) {
        answers.push(line);
        if (line.startsWith("zz ") || line.startsWith("* BYE")) break;
      }
      if (!/^(zz|\* BYE)/.test(answers.at(-1) ?? "")) throw new Error(`no answer to ${JSON.stringify(said)}`);
      if (errors.length > 0) throw new Error(`a fault by ${JSON.stringify(said)}`, { cause: errors[0] });
      client.destroy();
    }
    expect(errors).toEqual([]);
  });
});
