// No command reaches what is another account's, whatever way of naming it a client tries: every row of the table of
// commands has a row here.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { COMMANDS } from "@pushmail/imap-idle-server";
import { AttackedServer, BOB, PASSWORD } from "../support/attacked-server.ts";
import { RawImap } from "../support/raw-imap.ts";

const SECRET = "for the eyes of Bob";
const MAILBOX = "Hideout";
const MAILS = 7;

/** Bob's mailbox as other servers, file systems and guesses would name it. */
const NAMES: readonly string[] = [
  MAILBOX,
  `"~${BOB}/${MAILBOX}"`,
  `~bob/${MAILBOX}`,
  `"#user/${BOB}/${MAILBOX}"`,
  `"Other Users/${BOB}/${MAILBOX}"`,
  `user.bob.${MAILBOX}`,
  `${BOB}/${MAILBOX}`,
  `${BOB}/INBOX`,
  `../${BOB}/${MAILBOX}`,
  `INBOX/../../${BOB}/${MAILBOX}`,
  `/${BOB}/${MAILBOX}`,
  `2/${MAILBOX}`,
  `../2/${MAILBOX}`,
  "F7",
  "7",
  "&AC8-bob&AC8-Hideout",
];
const SETS = ["1:*", "1", "4294967295", "1:4294967295"];
const REFERENCES = ['""', `"~${BOB}/"`, `"#user/"`, '"Other Users/"', '"../"', '"/"', `"${BOB}/"`];

const ofNames = (row: (name: string) => string): string[] => NAMES.map(row);
/** The name of what lies below, or beside, a mailbox. */
const longer = (name: string, more: string): string => name.replace(/"?$/, (quote) => more + quote);
const ofSets = (row: (set: string) => string): string[] => SETS.flatMap((set) => [row(set), `UID ${row(set)}`]);
const listing = (row: string): string[] =>
  REFERENCES.flatMap((reference) => ["*", "%", `*${MAILBOX}*`].map((pattern) => `${row} ${reference} ${pattern}`));

/** What is tried by each command; with INBOX selected, in which one message of the attacker's own lies. */
const ATTEMPTS: Readonly<Record<string, readonly string[]>> = {
  APPEND: ofNames((name) => `APPEND ${name} {9+}\r\nX: evil\r\n`).concat(
    ofNames((name) => `APPEND INBOX CATENATE (URL "/${encodeURIComponent(name.replaceAll('"', ""))}/;UID=1")`),
    [`imap://${BOB}@localhost/`, `//${BOB}@localhost/`, "/../bob/"].map(
      (base) => `APPEND INBOX CATENATE (URL "${base}${MAILBOX}/;UID=1")`,
    ),
  ),
  AUTHENTICATE: [`AUTHENTICATE PLAIN ${Buffer.from(`${BOB}\0mallory@example.org\0${PASSWORD}`).toString("base64")}`],
  CANCELUPDATE: ['CANCELUPDATE "1"'],
  CAPABILITY: ["CAPABILITY"],
  CHECK: ["CHECK"],
  CLOSE: ["CLOSE"],
  COMPRESS: ["COMPRESS DEFLATE"],
  COPY: ofNames((name) => `COPY 1 ${name}`),
  CREATE: ofNames((name) => `CREATE ${name}`).concat(ofNames((name) => `CREATE ${longer(name, "/evil")}`)),
  DELETEACL: ofNames((name) => `DELETEACL ${name} alice@example.org`),
  DELETE: ofNames((name) => `DELETE ${name}`),
  ENABLE: ["ENABLE CONDSTORE"],
  ESEARCH: ["mailboxes", "subtree"].flatMap((where) =>
    ofNames((name) => `ESEARCH IN (${where} ${name}) RETURN (ALL COUNT) TEXT "${SECRET}"`),
  ),
  EXAMINE: ofNames((name) => `EXAMINE ${name}`),
  EXPUNGE: ["EXPUNGE", ...SETS.map((set) => `UID EXPUNGE ${set}`)],
  FETCH: ofSets((set) => `FETCH ${set} (UID FLAGS ENVELOPE EMAILID BODY.PEEK[])`),
  GETMETADATA: ofNames((name) => `GETMETADATA (DEPTH infinity) ${name} (/private /shared)`).concat(
    'GETMETADATA (DEPTH infinity) "" (/private /shared)',
  ),
  GETQUOTA: ['GETQUOTA ""', ...ofNames((name) => `GETQUOTA ${name}`)],
  GETQUOTAROOT: ofNames((name) => `GETQUOTAROOT ${name}`),
  GETACL: ofNames((name) => `GETACL ${name}`),
  ID: ['ID ("user" "bob@example.org")'],
  IDLE: ["IDLE\r\nDONE"],
  LIST: listing("LIST"),
  LISTRIGHTS: ofNames((name) => `LISTRIGHTS ${name} anyone`),
  LOGIN: [`LOGIN ${BOB} ""`, `LOGIN "${BOB}*mallory@example.org" ${PASSWORD}`],
  LOGOUT: ["LOGOUT"],
  LSUB: listing("LSUB"),
  MOVE: ofNames((name) => `MOVE 1 ${name}`),
  MYRIGHTS: ofNames((name) => `MYRIGHTS ${name}`),
  NAMESPACE: ["NAMESPACE"],
  NOOP: ["NOOP"],
  NOTIFY: ["NOTIFY NONE", "NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge MailboxName))"].concat(
    ofNames((name) => `NOTIFY SET STATUS (MAILBOXES ${name} (MessageNew MessageExpunge FlagChange))`),
    ofNames((name) => `NOTIFY SET (SUBTREE ${name} (MailboxName SubscriptionChange))`),
  ),
  RENAME: ofNames((name) => `RENAME ${name} mine`).concat(
    ofNames((name) => `RENAME Archive ${name}`),
    ofNames((name) => `RENAME ${name} ${longer(name, "-evil")}`),
  ),
  REPLACE: ofNames((name) => `REPLACE 1 ${name} {9+}\r\nX: evil\r\n`),
  SEARCH: ofSets((set) => `SEARCH ${set} TEXT "${SECRET}"`).concat("SEARCH RETURN (UPDATE (ENVELOPE) ALL) ALL"),
  SELECT: ofNames((name) => `SELECT ${name}`),
  SETMETADATA: ["/private/comment", "/shared/comment"].flatMap((entry) =>
    ['""', ...NAMES].map((name) => `SETMETADATA ${name} (${entry} "evil")`),
  ),
  SETACL: ofNames((name) => `SETACL ${name} anyone lrswipkxtea`),
  SORT: ofSets((set) => `SORT (REVERSE ARRIVAL) UTF-8 ${set} TEXT "${SECRET}"`),
  STARTTLS: ["STARTTLS"],
  STATUS: ofNames((name) => `STATUS ${name} (MESSAGES UIDNEXT UNSEEN MAILBOXID)`),
  STORE: ofSets((set) => `STORE ${set} +FLAGS (\\Deleted)`),
  SUBSCRIBE: ofNames((name) => `SUBSCRIBE ${name}`),
  THREAD: ofSets((set) => `THREAD REFERENCES UTF-8 ${set} TEXT "${SECRET}"`),
  UIDBATCHES: ["UIDBATCHES 500", "UIDBATCHES 4294967295 1:1"],
  UNAUTHENTICATE: ["UNAUTHENTICATE"],
  UNSELECT: ["UNSELECT"],
  UNSUBSCRIBE: ofNames((name) => `UNSUBSCRIBE ${name}`),
};
/** What is refused where there is no mailbox. */
const NEED_A_MAILBOX = [
  "APPEND",
  "COPY",
  "DELETE",
  "DELETEACL",
  "EXAMINE",
  "GETACL",
  "GETQUOTAROOT",
  "LISTRIGHTS",
].concat(["MOVE", "MYRIGHTS", "REPLACE", "SELECT", "SETACL", "STATUS"]);
const BEFORE_LOGIN: ReadonlySet<string> = new Set(["AUTHENTICATE", "LOGIN", "STARTTLS"]);

let server: AttackedServer;
let accounts = 0;
/** All that Bob has. */
let made: object;

beforeAll(async () => {
  server = await AttackedServer.start();
  const bob = await server.imap(undefined, BOB);
  await bob.ok(`CREATE ${MAILBOX}`);
  await bob.ok(`SUBSCRIBE ${MAILBOX}`);
  // That something else of Bob's is open to all opens nothing more.
  await bob.ok("CREATE Open");
  await bob.ok("SETACL Open anyone lrswipkxtea");
  await bob.ok(`SETACL ${MAILBOX} alice@example.org l`);
  const mail = `Subject: ${SECRET}\r\n\r\n${SECRET}\r\n`;
  await bob.ok(`SETMETADATA "" (/private/comment "${SECRET}")`);
  await bob.ok(`SETMETADATA ${MAILBOX} (/private/comment "${SECRET}" /shared/comment "${SECRET}")`);
  for (let i = 0; i < MAILS; i++) await bob.ok(`APPEND ${MAILBOX} {${mail.length}+}\r\n${mail}`);
  bob.close();
  made = await ofBob();
});

afterAll(() => server.stop());

async function ofBob(): Promise<object> {
  const { store } = server.pushmail;
  const mailboxes = await store.mailboxes(server.bob.id);
  const metadata = [null, ...mailboxes.map(({ id }) => id)].map((id) => store.metadata(server.bob.id, id));
  return {
    mailboxes,
    metadata: await Promise.all(metadata),
    subscriptions: await store.subscriptions(server.bob.id),
    mails: await server.mails(server.bob),
  };
}

/** A new account, so that nothing of an attempt before is in the way; or a connection that has not logged in. */
async function attacker(command: string): Promise<RawImap> {
  const imap = server.address("imap");
  if (BEFORE_LOGIN.has(command)) return RawImap.connect(imap);
  const user = `mallory${++accounts}@example.org`;
  await server.append(
    "Subject: mine\r\n\r\n",
    await server.pushmail.store.createAccount({ address: user, password: PASSWORD }),
  );
  return RawImap.open(imap, { user, password: PASSWORD, mailbox: "INBOX" });
}

describe("the commands of another account", () => {
  it("are all tried", () => {
    expect(Object.keys(ATTEMPTS).sort()).toEqual([...COMMANDS.keys()].sort());
  });

  it.each(Object.entries(ATTEMPTS))("%s shows nothing of Bob's and changes nothing", async (command, attempts) => {
    for (const attempt of attempts) {
      const client = await attacker(command);
      const { untagged, status } = await client.command(attempt);
      const said = [...untagged, status].join("\n");
      expect(said).not.toContain(SECRET);
      expect(said).not.toMatch(new RegExp(`\\* ${MAILS} EXISTS|(MESSAGES|COUNT) ${MAILS}\\b`));
      if (BEFORE_LOGIN.has(command))
        expect({ attempt, status }).toEqual({ attempt, status: expect.not.stringMatching(/logged in|authenticated/i) });
      // A mailbox that is not the attacker's own is one that is not there.
      const needsOne = NEED_A_MAILBOX.includes(command);
      if (needsOne || attempt.endsWith(" mine"))
        expect({ attempt, status }).toEqual({ attempt, status: expect.stringMatching(/^(NO|BAD) /) });
      if (command === "LIST" || command === "LSUB") expect(said).not.toContain(MAILBOX);
      client.close();
    }
    // As it was before any of them: what one has spoilt hides nothing of the next.
    expect(await ofBob()).toEqual(made);
  });

  it("tell nobody of Bob's mail while they idle", async () => {
    const client = await attacker("IDLE");
    await client.idle();
    await server.append(`Subject: ${SECRET}\r\n\r\n`, server.bob);
    await server.append("Subject: news\r\n\r\n");
    expect(await client.done()).toEqual([]);
    client.close();
  });

  it("stay this session's: what was selected before a new login is not reached", async () => {
    const client = await server.imap("INBOX", BOB);
    expect((await client.command(`LOGIN alice@example.org ${PASSWORD}`)).status).toMatch(/^BAD /);
    client.close();
  });
});
