// A mailbox of many messages: opened cold, flagged whole, its bytes in the log. Usage: npm run bench:large -- [--messages 1000000]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openLevelDriver, openMailStore, type MailStore, type MailStoreOptions } from "@pushmail/mailstore";

const BATCH = 1_000;
const OPTIONS: MailStoreOptions = { scryptCost: { N: 16, r: 1, p: 1 } };

const { values } = parseArgs({ options: { messages: { type: "string", default: "1000000" } } });
const messages = Number(values.messages);
const directory = join(mkdtempSync(join(tmpdir(), "bench-large-")), "data");

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  const cpuMs = Math.round((user + system) / 1000);
  console.log(`${what}: ${(performance.now() - start).toFixed(1)} ms (${cpuMs} ms of CPU)`);
  return result;
}

async function* body(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("From: a@example.org\r\nTo: b@example.org\r\nSubject: one of many\r\n\r\nhello\r\n");
}

async function fill(store: MailStore): Promise<void> {
  const { id: account } = await store.createAccount({ address: "bench@localhost", password: "x" });
  const mailbox = await store.mailbox(account, "INBOX");
  if (mailbox === undefined) throw new Error("no INBOX");
  const message = await store.stage(body(), { bytesMax: 1_000 });
  for (let done = 0; done < messages; done += BATCH) {
    const size = Math.min(BATCH, messages - done);
    await store.append(Array.from({ length: size }, () => ({ account, mailbox: mailbox.id, message })));
  }
}

const open = async (): Promise<MailStore> => openMailStore(await openLevelDriver({ directory }), OPTIONS);

let store = await open();
await timed(`append ${messages} messages, ${BATCH} a commit`, () => fill(store));
await timed("close", () => store.close());
store = await timed("open the store", open);
const account = await store.authenticate("bench@localhost", "x");
const inbox = await timed("the mailbox' status, cold (SELECT, STATUS)", async () => store.mailbox(account.id, "INBOX"));
if (inbox?.messages !== messages) throw new Error(`the mailbox holds ${inbox?.messages}`);
const handle = await store.open({ account: account.id, mailbox: inbox.id });
const index = await timed("its index, cold", () => handle.ready());
if (index.count !== messages) throw new Error(`the index holds ${index.count}`);
const at = { account: account.id, mailbox: inbox.id };
const flagged = await timed("flag all of them", () =>
  store.setFlags(at, [[1, messages]], { mode: "add", flags: ["\\Seen"] }),
);
if (flagged.changed[0]?.[1] !== messages) throw new Error("not all were flagged");
await timed("the changes since", () => store.changes(account.id, flagged.cursor, 100));
await timed("close, with the snapshot of it", () => store.close());
store = await timed("open the store", open);
const again = await store.open(at);
await timed("its index, cold", () => again.ready());
await store.close();
rmSync(join(directory, ".."), { recursive: true, force: true });
