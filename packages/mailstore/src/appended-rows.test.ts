// Very many messages that one record brings: each row made when it is asked for, and what is done for it counted.
import { afterEach, describe, expect, it } from "@jest/globals";
import { PackedRows, readRows, writeRows, type AppendedRow } from "./appended-rows.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { CHUNK_WIDTH } from "./chunk-codec.ts";
import { cursor, mailboxId } from "./ids.ts";
import { DEFAULT_STORE_LIMITS } from "./limits.ts";
import { openMailStore, openMemoryDriver } from "./index.ts";
import { MailboxContents } from "./mailbox-contents.ts";
import { TailRoom, TailRows } from "./tail-rows.ts";
import { VanishedLog } from "./vanished-log.ts";

const FLAGS = [[], ["\\Seen"], ["\\Seen", "Work"], [], []];
const SUMMARIZED = 700;
const COPIED = 12_000;

function rowAt(i: number): AppendedRow {
  const flags = FLAGS[i % FLAGS.length] as string[];
  const origin = { mailbox: 7, uid: i + 1 };
  const summary = i < SUMMARIZED ? Buffer.from(`summary ${i}`) : null;
  return { flags, internalDateMs: 1e12 + i, sizeBytes: 100 + i, origin, body: { blob: i }, summary };
}

function packed(count: number): { readonly rows: readonly AppendedRow[]; readonly packed: PackedRows } {
  const rows = Array.from({ length: count }, (_, i) => rowAt(i));
  const writer = new ByteWriter();
  writeRows(writer, rows);
  const read = readRows(new ByteReader(writer.finish()));
  if (!(read instanceof PackedRows)) throw new Error(`${count} rows are not packed`);
  return { rows, packed: read };
}

let restore = (): void => undefined;
afterEach(() => restore());

/** How often readers do something from here on. A spy would keep what each call gave. */
function countCalls(what: "bytes" | "skipInteger"): () => number {
  const original = Object.getOwnPropertyDescriptor(ByteReader.prototype, what) as PropertyDescriptor;
  let calls = 0;
  function counted(this: ByteReader): unknown {
    calls++;
    return (original.value as () => unknown).call(this);
  }
  Object.defineProperty(ByteReader.prototype, what, { ...original, value: counted });
  restore = () => void Object.defineProperty(ByteReader.prototype, what, original);
  return () => calls;
}

/** How many rows are made: each has its summary read. */
const countRowsMade = (): (() => number) => countCalls("bytes");

describe("packed rows", () => {
  it("are what was written, in whatever order they are asked for", () => {
    const { rows, packed: many } = packed(1_500);
    const stride = (i: number): number => (i * 577) % rows.length;
    expect(rows.map((_, i) => many.at(stride(i)))).toEqual(rows.map((_, i) => rows[stride(i)]));
    expect([...many]).toEqual(rows);
    expect(Array.from(many.flagNumbers, (number) => many.flags[number])).toEqual(rows.map(({ flags }) => flags));
    expect([many.flags.length, many.summarized]).toEqual([3, SUMMARIZED]);
  });

  it("pass by a few to find one, however many there are", () => {
    const { packed: many } = packed(20_000);
    const passed = countCalls("skipInteger");
    for (const row of [19_999, 10_063, 1]) many.at(row);
    // Six numbers each.
    const few = passed();
    expect(few).toBeLessThanOrEqual(3 * 63 * 6);
    for (let row = 128; row < 20_000; row++) many.at(row);
    expect(passed()).toBe(few);
  });
});

describe("a record of very many", () => {
  it("is applied without making one of its rows", () => {
    const { rows, packed: many } = packed(2_000);
    const at = { account: 1, mailbox: mailboxId(1) } as ConstructorParameters<typeof MailboxContents>[0];
    const through = cursor(1);
    const tail = new TailRows(new TailRoom(DEFAULT_STORE_LIMITS), through);
    const contents = new MailboxContents(at, { vanished: new VanishedLog(10), tail, through });
    const made = countRowsMade();
    const facts = [{ type: "appended", by: "copy", rows: many }] as const;
    contents.apply({ cursor: cursor(2), atMs: 5, firstUid: 11, facts, blobs: [], recordBytes: 1 });
    expect([made(), contents.columns.count]).toEqual([0, rows.length]);
    const placeOf = (i: number): number => contents.columns.rowOf(i + 11);
    const told = rows.map((_, i) => [
      contents.columns.flagsAt(placeOf(i)).names,
      contents.columns.modSeqAt(placeOf(i)),
    ]);
    expect(told).toEqual(rows.map(({ flags }) => [flags, 2]));
    expect(tail.get(10)).toBeUndefined();
    const { sizeBytes, internalDateMs, summary } = rows[500] as AppendedRow;
    const metadata = { uid: 511, sizeBytes, internalDateMs, saveDateMs: 5, emailId: "E7-501", blob: 500 };
    expect(tail.get(511)).toEqual({ metadata, summary: new Uint8Array(summary as Uint8Array) });
    expect([tail.get(2_011), made()]).toEqual([undefined, 1]);
  });

  it("goes into a snapshot in pieces, between which others get their turn", async () => {
    const driver = await openMemoryDriver();
    const limits = { tailRecordsMax: 0 };
    const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits });
    const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox, archive] = await store.mailboxes(account);
    if (inbox === undefined || archive === undefined) throw new Error("no mailbox");
    const [from, to] = [inbox, archive].map(({ id: mailbox }) => ({ account, mailbox })) as [At, At];
    const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 100 });
    await store.append(Array.from({ length: COPIED }, () => ({ ...from, message })));
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = (snapshot) => {
        if (snapshot.mailbox === archive.id && snapshot.chunks.length > 9) resolve();
        return save(snapshot);
      };
    });
    (await store.open(to)).release();
    await store.copy(from, [[1, COPIED]], to);
    const made = countRowsMade();
    let [before, most] = [0, 0];
    let next = setImmediate(turn);
    function turn(): void {
      most = Math.max(most, made() - before);
      before = made();
      next = setImmediate(turn);
    }
    await saved;
    clearImmediate(next);
    expect(made()).toBeGreaterThan(COPIED);
    expect(most).toBeLessThan(2 * CHUNK_WIDTH.metadata);
    await store.close();
  });
});

type At = Parameters<ReturnType<typeof openMailStore>["open"]>[0];

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}
