// Geary on a screen that nobody sees, with a key ring that holds its password: it opens, and is told of what comes.
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, watch, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { within } from "../../support/deadline.ts";
import { ClientServer, clientTest, PASSWORD } from "../client-server.ts";

const NEEDED = ["which", "geary", "gnome-keyring-daemon", "secret-tool", "xvfb-run", "dbus-run-session"];
/** Within a session bus of its own. */
const RUN = `printf key | gnome-keyring-daemon --unlock --components=secrets > /dev/null
printf "$SECRET" | secret-tool store --label=geary xdg:schema org.gnome.Geary login "$LOGIN" host "$HOST" proto IMAP
exec xvfb-run -a geary`;

let server: ClientServer;

beforeAll(async () => {
  server = await ClientServer.start(["geary"]);
});

afterAll(() => server.end());

function settings(user: string): string {
  const { host, port } = server.imap;
  return `[Metadata]
version=1
status=enabled
[Account]
ordinal=1
label=far
prefetch_days=-1
sender_mailboxes=${user};
service_provider=other
[Incoming]
login=${user}
remember_password=true
host=${host}
port=${port}
transport_security=none
credentials=custom
[Outgoing]
host=${server.smtp.host}
port=${server.smtp.port}
transport_security=none
credentials=none
`;
}

/** Waits until some file of a directory has these words. */
async function untilWritten(directory: string, words: string): Promise<void> {
  const isWritten = async (): Promise<boolean> => {
    const files = await readdir(directory, { withFileTypes: true });
    const texts = files
      .filter((file) => file.isFile())
      .map((file) => readFile(join(directory, file.name), "latin1").catch(() => ""));
    return (await Promise.all(texts)).some((text) => text.includes(words));
  };
  const stop = new AbortController();
  const wait = async (): Promise<void> => {
    const changes = watch(directory, { signal: stop.signal });
    if (await isWritten()) return;
    for await (const _ of changes) if (await isWritten()) return;
  };
  await within(wait(), `${words} in ${directory}`).finally(() => stop.abort());
}

describe("Geary", () => {
  const what = "opens the mailbox, and has each mail in its database as it comes";
  const test = async (user: string): Promise<void> => {
    const home = await server.scratch("geary");
    const account = join(home, "config/geary/account_01");
    const data = join(home, "data/geary/account_01");
    for (const directory of [account, data]) await mkdir(directory, { recursive: true });
    await mkdir(join(home, "run"), { mode: 0o700 });
    await writeFile(join(account, "geary.ini"), settings(user));
    await server.deliver(user, "first");
    const child = spawn("dbus-run-session", ["--", "sh", "-c", RUN], {
      detached: true,
      stdio: "ignore",
      env: {
        ...process.env,
        HOME: home,
        XDG_CONFIG_HOME: join(home, "config"),
        XDG_DATA_HOME: join(home, "data"),
        XDG_CACHE_HOME: join(home, "cache"),
        XDG_RUNTIME_DIR: join(home, "run"),
        LOGIN: user,
        HOST: server.imap.host,
        SECRET: PASSWORD,
      },
    });
    const exit = once(child, "exit");
    try {
      await server.heard(user, /^IDLE/);
      await untilWritten(data, "body of first");
      await server.deliver(user, "pushed");
      await untilWritten(data, "body of pushed");
    } finally {
      process.kill(-(child.pid ?? 0), "SIGKILL");
      await within(exit, "Geary's end");
    }
    const seen = await server.seen(user);
    for (const used of [/^NAMESPACE$/, /^LIST .* return \(special-use\)$/i, /^select INBOX/]) {
      expect(seen).toContainEqual(expect.stringMatching(used));
    }
  };
  clientTest("geary", what, test, NEEDED);
});
