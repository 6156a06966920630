// Thunderbird without a screen, with a profile that was prepared: what it does of itself, and what its user has it do.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DEADLINE_MS, within } from "../../support/deadline.ts";
import { ClientServer, clientTest, PASSWORD } from "../client-server.ts";
import { Marionette } from "./marionette.ts";

let server: ClientServer;

beforeAll(async () => {
  server = await ClientServer.start(["thunderbird"]);
});

afterAll(() => server.end());

/** One account by IMAP over TLS; nothing that would ask a network for anything. */
function preferences(user: string): Readonly<Record<string, string | number | boolean>> {
  const far = (name: string): string => `mail.server.server1.${name}`;
  return {
    "mail.accountmanager.accounts": "account1,account2",
    "mail.accountmanager.localfoldersserver": "server2",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.account.account2.server": "server2",
    "mail.identity.id1.useremail": user,
    "mail.identity.id1.valid": true,
    [far("type")]: "imap",
    [far("hostname")]: server.imaps.host,
    [far("port")]: server.imaps.port,
    [far("userName")]: user,
    // TLS from the first octet, and a password.
    [far("socketType")]: 3,
    [far("authMethod")]: 3,
    [far("login_at_startup")]: false,
    [far("use_condstore")]: true,
    "mail.server.server2.type": "none",
    "mail.server.server2.hostname": "Local Folders",
    "mail.server.server2.userName": "nobody",
    "marionette.port": 0,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "app.update.enabled": false,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": true,
    "mail.provider.enabled": false,
    "mail.shell.checkDefaultClient": false,
    "mail.chat.enabled": false,
    "mailnews.start_page.enabled": false,
  };
}

/** Runs Thunderbird on a profile and ends it, whatever comes. */
async function inThunderbird(profile: string, use: (thunderbird: Marionette) => Promise<void>): Promise<void> {
  const flags = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"];
  const child = spawn("thunderbird", [...flags, "--profile", profile], {
    env: { ...process.env, HOME: profile },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exit = once(child, "exit");
  try {
    const lines = createInterface({ input: child.stdout });
    const listening = new Promise<number>((resolve) => {
      lines.on("line", (line) => {
        const port = /Marionette.*Listening on port (\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    });
    const ended = exit.then(() => Promise.reject(new Error("Thunderbird ended by itself")));
    ended.catch(() => undefined);
    const port = await within(Promise.race([listening, ended]), "Thunderbird to listen");
    const thunderbird = await Marionette.connect(port);
    await thunderbird.run(TRUST, server.imaps.host);
    await use(thunderbird);
    await thunderbird.quit();
    expect(await within(exit, "Thunderbird's end")).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
}

const TRUST = `Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
  .setDisableAllSecurityChecksAndLetAttackersInterceptMyData(true);`;

const PASSWORD_OF = `const [host, user, password] = args;
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init("imap://" + host, null, "imap://" + host, user, password, "", "");
  await Services.logins.addLoginAsync(login);`;

const ACCOUNT = `const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const far = MailServices.accounts.getAccount("account1").incomingServer;
  const folder = (name) => far.rootFolder.getChildNamed(name);
  const messages = (of) => [...of.messages];
  const message = (subject, of = folder("INBOX")) => messages(of).find((header) => header.mime2DecodedSubject === subject);`;

const GET_MAIL = `${ACCOUNT}
  far.getNewMessages(far.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox), null, null);`;

/** Waits until these and no others are in INBOX, read and flagged as the words behind them say, and kept with their body. */
const HAS = `${ACCOUNT}
  const [wanted, deadlineMs] = args;
  const said = () => messages(folder("INBOX")).map((header) => [
    header.mime2DecodedSubject, header.isRead ? "read" : "", header.isFlagged ? "flagged" : "",
    header.flags & Ci.nsMsgMessageFlags.Offline ? "" : "without body",
  ].filter((word) => word !== "").join(" ")).toSorted().join(", ");
  let late = false;
  setTimeout(() => { late = true; }, deadlineMs);
  Services.tm.spinEventLoopUntil("pushmail", () => late || said() === wanted);
  return said();`;

async function has(thunderbird: Marionette, messages: string): Promise<void> {
  expect(await thunderbird.run(HAS, messages, DEADLINE_MS)).toBe(messages);
}

const MOVE = `${ACCOUNT}
  const [subject, to] = args;
  MailServices.copy.copyMessages(folder("INBOX"), [message(subject)], folder(to), true, null, null, false);`;

describe("Thunderbird", () => {
  clientTest(
    "thunderbird",
    "is told of each mail and change, and tells its own, over COMPRESS and IDLE",
    async (user) => {
      const profile = await server.scratch("thunderbird");
      const lines = Object.entries(preferences(user)).map(
        (entry) => `user_pref(${JSON.stringify(entry).slice(1, -1)});`,
      );
      await writeFile(join(profile, "user.js"), `${lines.join("\n")}\n`);
      await server.deliver(user, "first", "second");
      const far = await server.open(user);

      await inThunderbird(profile, async (thunderbird) => {
        await thunderbird.run(PASSWORD_OF, server.imaps.host, user, PASSWORD);
        await thunderbird.run(GET_MAIL);
        await server.heard(user, /^IDLE/);
        await server.deliver(user, "pushed");
        await has(thunderbird, "first, pushed, second");
        // Its own changes.
        await thunderbird.run(`${ACCOUNT} folder("INBOX").markMessagesRead([message("first")], true);`);
        await thunderbird.run(`${ACCOUNT} folder("INBOX").markMessagesFlagged([message("pushed")], true);`);
        await thunderbird.run(MOVE, "second", "Archive");
        for (const told of [/^uid store 1 /, /^uid store 3 /, /^uid move 2 /]) await server.heard(user, told);
        await has(thunderbird, "first read, pushed flagged");
        // Changes of others.
        await far.ok("NOOP");
        await far.ok("UID STORE 3 -FLAGS (\\Flagged)");
        await has(thunderbird, "first read, pushed");
        await far.ok("UID STORE 1 +FLAGS (\\Deleted)");
        await far.ok("EXPUNGE");
        await has(thunderbird, "pushed");
      });
      expect(await server.subjectsOf(user, "Archive")).toEqual(["second"]);
      const files = join(profile, "ImapMail", server.imaps.host);
      expect(await readFile(join(files, "INBOX"), "latin1")).toContain("body of pushed");
      expect(await readFile(join(files, "INBOX.msf"), "latin1")).toContain("pushed");

      await server.deliver(user, "while away");
      await far.ok("UID STORE 3 +FLAGS (\\Seen)");
      await inThunderbird(profile, async (thunderbird) => {
        await thunderbird.run(GET_MAIL);
        await has(thunderbird, "pushed read, while away");
      });
      far.close();
      const seen = await server.seen(user);
      for (const used of [
        /^COMPRESS DEFLATE$/,
        /^ID \("name" "Thunderbird"/,
        /^getquotaroot /,
        /\(CHANGEDSINCE \d+\)$/,
      ]) {
        expect(seen).toContainEqual(expect.stringMatching(used));
      }
    },
  );
});
