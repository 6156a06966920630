// What a mailbox of another account allows is what the rights say that its owner has given, right by right: each command
// is tried with each right alone, with each missing, and with drawn ones, and nothing more is done than it may do.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ALL_RIGHTS } from "@pushmail/mailstore";
import { AttackedServer, BOB } from "../support/attacked-server.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { seededRandom, testSeed } from "../support/seeded-random.ts";

const DRAWN = 2;
const SECRET = "for the eyes of Bob";
const MAIL = `Subject: ${SECRET}\r\n\r\n${SECRET}\r\n`;

const random = seededRandom(testSeed());
const rights = ALL_RIGHTS.split("");
const SETS = [
  "",
  ALL_RIGHTS,
  ...rights,
  ...rights.map((right) => `lr${right}`),
  ...rights.filter((right) => right !== "r").map((right) => ALL_RIGHTS.replace(right, "")),
  ...Array.from({ length: DRAWN }, () => rights.filter(() => random() < 0.5).join("")),
];

interface Try {
  /** `$` stands for the mailbox. */
  readonly command: string;
  /** Each of them is needed, or with `any` one. */
  readonly needs: string;
  readonly any?: boolean;
}

/** Outside of the mailbox; what takes it away comes last. RFC 4314 4. */
const OUTSIDE: readonly Try[] = [
  { command: "MYRIGHTS $", needs: "lrikxa", any: true },
  { command: "GETACL $", needs: "a" },
  { command: "LISTRIGHTS $ anyone", needs: "a" },
  { command: "STATUS $ (MESSAGES)", needs: "r" },
  { command: "EXAMINE $", needs: "r" },
  { command: "GETQUOTAROOT $", needs: "r" },
  { command: `APPEND $ {${MAIL.length}+}\r\n${MAIL}`, needs: "i" },
  { command: "CREATE $/New", needs: "k" },
  { command: "RENAME $/Old $/Older", needs: "xk" },
  { command: "DELETE $", needs: "x" },
];

/** With the mailbox selected, which takes `r`: three messages, of which the second has \Deleted. */
const INSIDE: readonly Try[] = [
  { command: `SEARCH TEXT "${SECRET}"`, needs: "" },
  { command: "COPY 1 INBOX", needs: "" },
  { command: "STORE 1 +FLAGS (\\Seen)", needs: "s" },
  { command: "STORE 1 +FLAGS (\\Flagged)", needs: "w" },
  { command: "STORE 1 +FLAGS ($keyword)", needs: "w" },
  { command: "STORE 2 -FLAGS (\\Deleted)", needs: "t" },
  { command: "STORE 2 +FLAGS (\\Deleted \\Seen \\Flagged)", needs: "stw", any: true },
  { command: "MOVE 1 INBOX", needs: "te" },
  { command: "EXPUNGE", needs: "e" },
];

let server: AttackedServer;
let alice: RawImap;
let bob: RawImap;
let mailboxes = 0;

beforeAll(async () => {
  server = await AttackedServer.start();
  alice = await server.imap();
  bob = await server.imap(undefined, BOB);
});

afterAll(() => server.stop());

/** A new mailbox of Bob with one below it, and these rights of Alice on both; its name to Bob, and that to Alice. */
async function share(given: string): Promise<[name: string, shared: string]> {
  const name = `Box${++mailboxes}`;
  await bob.ok(`CREATE ${name}/Old`);
  for (const flag of ["", "\\Deleted", ""]) await bob.ok(`APPEND ${name} (${flag}) {${MAIL.length}+}\r\n${MAIL}`);
  for (const mailbox of [name, `${name}/Old`]) await bob.ok(`SETACL ${mailbox} alice@example.org "${given}"`);
  return [name, `"Other Users/${BOB}/${name}"`];
}

function allows({ needs, any = false }: Try, given: string): boolean {
  const each = needs.split("").map((right) => given.includes(right));
  return any ? each.includes(true) : !each.includes(false);
}

/** The command, with a name within its quotes. */
function filled(command: string, shared: string): string {
  return command.replace(/\$(\/\w+)?(?=[ ]|$)/g, (_, below: string = "") => shared.replace(/"$/, `${below}"`));
}

/** What Bob sees of it: counts, and the flags of each message. */
async function seen(name: string): Promise<string> {
  await bob.ok(`EXAMINE ${name}`);
  const messages = await bob.ok("FETCH 1:* (UID FLAGS)");
  await bob.ok("UNSELECT");
  return messages.map((line) => line.replace(/ ?\\Recent/, "")).join("\n");
}

describe.each(SETS.map((given) => [given]))("with the rights %j", (given) => {
  it("each command from outside does what they allow", async () => {
    let [name, shared] = await share(given);
    let before = await seen(name);
    for (const attempt of OUTSIDE) {
      const { status, untagged } = await alice.command(filled(attempt.command, shared));
      if (attempt.command.startsWith("EXAMINE") && status.startsWith("OK")) await alice.ok("UNSELECT");
      const isAllowed = allows(attempt, given);
      const refusal = given.includes("l") ? /^NO \[NOPERM\]/ : /^NO \[(NONEXISTENT|TRYCREATE|NOPERM)\]/;
      expect({ attempt, status }).toEqual({ attempt, status: expect.stringMatching(isAllowed ? /^OK/ : refusal) });
      if (!isAllowed) {
        expect(untagged).toEqual([]);
        expect(await seen(name)).toBe(before);
        continue;
      }
      // What was allowed has perhaps changed it.
      [name, shared] = await share(given);
      before = await seen(name);
    }
  });

  it("it is listed with l, and searched with l and r", async () => {
    const [name, shared] = await share(given);
    const listed = (await alice.ok(`LIST "" "*${name}" RETURN (MYRIGHTS STATUS (MESSAGES))`)).join("\n");
    expect(listed.includes(name)).toBe(given.includes("l"));
    expect(listed.includes("MESSAGES 3")).toBe(given.includes("l") && given.includes("r"));
    const found = await alice.ok(`ESEARCH IN (mailboxes ${shared}) RETURN (COUNT) ALL`);
    expect(found).toHaveLength(given.includes("l") && given.includes("r") ? 1 : 0);
  });

  if (!given.includes("r")) return;
  it("each command from inside does what they allow, and \\Seen and CLOSE go by s and e", async () => {
    let [name, shared] = await share(given);
    let before = await seen(name);
    const isWritable = /[ieswt]/.test(given);
    for (const attempt of INSIDE) {
      const selected = await alice.command(`SELECT ${shared}`);
      expect(selected.status).toMatch(isWritable ? /^OK \[READ-WRITE\]/ : /^OK \[READ-ONLY\]/);
      const { status } = await alice.command(attempt.command);
      const isAllowed = allows(attempt, given);
      const refusal = isWritable ? /^NO \[NOPERM\]/ : /^NO The mailbox is open for/;
      expect({ attempt, status }).toEqual({ attempt, status: expect.stringMatching(isAllowed ? /^OK/ : refusal) });
      await alice.ok("UNSELECT");
      if (!isAllowed || attempt.needs === "") {
        expect(await seen(name)).toBe(before);
        continue;
      }
      [name, shared] = await share(given);
      before = await seen(name);
    }
    await alice.command(`SELECT ${shared}`);
    await alice.ok("FETCH 1 BODY[]");
    await alice.ok("CLOSE");
    const after = await seen(name);
    expect(after.includes("\\Seen")).toBe(given.includes("s"));
    expect(after.includes("\\Deleted")).toBe(!given.includes("e"));
  });
});

it("what was taken from an identifier is not given by another", async () => {
  const [name, shared] = await share("");
  const myRights = async (): Promise<string> => (await alice.command(`MYRIGHTS ${shared}`)).untagged.join("");
  await bob.ok(`SETACL ${name} anyone lrs`);
  expect(await myRights()).toBe(`* MYRIGHTS ${shared} lrs`);
  await bob.ok(`SETACL ${name} -alice@example.org ls`);
  expect(await myRights()).toBe(`* MYRIGHTS ${shared} r`);
  await bob.ok(`SETACL ${name} alice@example.org lw`);
  expect(await myRights()).toBe(`* MYRIGHTS ${shared} rw`);
  await bob.ok(`SETACL ${name} -anyone r`);
  expect(await myRights()).toBe("");
});
