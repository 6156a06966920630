// Writes to a store as fast as it can and says on stdout what was acknowledged, until it is killed: by its parent, or
// by itself at a named step. argv: the data directory, a seed, and "STEP:COUNT" or "-".
import { writeSync } from "node:fs";
import {
  cursor,
  mailboxId,
  openLevelDriver,
  type BlobId,
  type CommitResult,
  type MailboxId,
  type Transaction,
  type TransactionPart,
} from "@pushmail/mailstore";
import { bodyOf, foldLog, KILL_LIMITS, MAIL, NOTES, type Acknowledgement } from "./driver-history.ts";
import { seededRandom } from "../support/seeded-random.ts";

const WRITERS = 4;
const ROUNDS = 10;

const [directory = "", seed = "0", killAt = "-"] = process.argv.slice(2);
const [killStep, killCount = "1"] = killAt.split(/:(?=\d+$)/);
const draw = seededRandom(Number(seed));
const random = (below: number): number => Math.floor(draw() * below);
let stepsLeft = Number(killCount);

const driver = await openLevelDriver({
  directory,
  limits: KILL_LIMITS,
  onStep: (name) => {
    if (name === killStep && --stepsLeft === 0) process.kill(process.pid, "SIGKILL");
  },
});
const { live, serial } = await foldLog(driver);
let nextSerial = serial + 1_000 * (1 + random(1_000));
await createMailboxes();
// How often a step is passed depends on the draws: a step that is waited for is written on to, for as long as it takes.
do await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
while (killStep !== "-" && !killStep?.startsWith("close:"));
await driver.close();

async function createMailboxes(): Promise<void> {
  for (const account of [MAIL, NOTES]) {
    if ((await driver.head(account)) === undefined) {
      const parts = [1, 2].map((id) => ({ ...part(mailboxId(id)), properties: Buffer.from(`mailbox ${id}`) }));
      await commit({ account, blobs: [], enforceQuota: false, parts });
    }
  }
}

async function write(writer: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await deliver();
    await note();
    if (random(3) === 0) await expungeSome();
    if (writer === 0 && round % 3 === 2) await trim();
    if (writer === 1 && round % 3 === 2) await driver.blobs.compact(() => references());
  }
}

async function deliver(): Promise<void> {
  const serials = Array.from({ length: 1 + random(2) }, () => nextSerial++);
  const sizes = serials.map(() => [0, 50, 2_000, 4_000, 20_000][random(5)] as number);
  const staged = await Promise.all(
    serials.map((own, i) => driver.blobs.stage(stream(bodyOf(own, sizes[i] as number)))),
  );
  const record = Buffer.from(JSON.stringify(serials.map((own, i) => [own, sizes[i]])));
  const counts = { allocate: staged.length, messages: staged.length, record };
  const parts = [{ ...part(mailboxId(1 + random(2))), ...counts }];
  const { blobs } = await commit({ account: MAIL, blobs: staged, enforceQuota: false, parts });
  serials.forEach((own, i) => live.set(own, { blob: blobs[i] as BlobId, size: sizes[i] as number }));
  for (const blob of staged) await blob.discard();
}

async function expungeSome(): Promise<void> {
  const gone = [...live.keys()].filter(() => random(4) === 0);
  for (const own of gone) live.delete(own);
  if (gone.length === 0) return;
  const record = Buffer.from(JSON.stringify({ gone }));
  await commit({ account: MAIL, blobs: [], enforceQuota: false, parts: [{ ...part(mailboxId(1)), record }] });
}

/** Transactions without bodies, in the account whose log is trimmed. */
async function note(): Promise<void> {
  const parts = [1, 2].map((id) => ({ ...part(mailboxId(id)), allocate: 1, messages: 1, record: Buffer.from("note") }));
  await commit({ account: NOTES, blobs: [], enforceQuota: false, parts });
}

async function trim(): Promise<void> {
  const head = await driver.head(NOTES);
  if (head === undefined) return;
  for (const { mailbox } of head.mailboxes) {
    const chunks = [{ column: 0, number: 0, data: Buffer.from(String(head.cursor)) }];
    await driver.saveSnapshot({ account: NOTES, mailbox, cursor: head.cursor, chunks });
  }
  await driver.trimLog(NOTES, cursor(Math.max(0, head.cursor - 10)));
}

async function* references(): AsyncGenerator<Iterable<BlobId>> {
  yield Array.from(live.values(), ({ blob }) => blob);
}

async function commit(transaction: Transaction): Promise<Extract<CommitResult, { ok: true }>> {
  const [result] = await driver.commit([transaction]);
  if (result?.ok !== true) throw new Error(`refused: ${String(result?.why)}`);
  const said: Acknowledgement = { account: transaction.account, cursor: result.cursor };
  writeSync(1, `${JSON.stringify(said)}\n`);
  return result;
}

function part(mailbox: MailboxId): TransactionPart {
  return { mailbox, allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
}

async function* stream(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 3_000) yield body.subarray(at, at + 3_000);
}
