// A command whose work the store does in one go: how far it is, is told when the client has heard nothing for a while.
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import type { MailStore } from "@pushmail/mailstore";
import { within } from "./support/deadline.ts";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";

const INTERVAL_MS = 10_000;
const MAIL = "Subject: x\r\n\r\nx\r\n";
const startImap = memoryImapOfTest();

let letGo = (): void => undefined;

afterEach(() => {
  letGo();
  jest.restoreAllMocks();
});

/** An operation of the store that waits before it ends. */
type Held = "append" | "copy" | "expunge" | "move" | "replace" | "setFlags";

interface HeldUp {
  readonly imap: MemoryImap;
  readonly session: RawImap;
  /** Resolves when the operation has begun. */
  readonly begun: Promise<void>;
  readonly passTime: (ms: number) => void;
  /** What the operation ends with. */
  readonly work: () => Promise<unknown>;
}

/** A session with three messages, and a clock that stands still. */
async function heldUp(name: Held, { reads = 0 }: { readonly reads?: number } = {}): Promise<HeldUp> {
  let nowMs = Date.now();
  const imap = await startImap({ limits: { tickMs: 1, inProgressIntervalMs: INTERVAL_MS }, now: () => nowMs });
  await imap.append(MAIL, { count: 3, flags: ["\\Deleted"] });
  const session = await imap.open("INBOX");
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const hold = new Promise<void>((resolve) => (letGo = resolve));
  const carryOut = imap.store[name].bind(imap.store) as (...args: unknown[]) => Promise<never>;
  const spied = jest.spyOn(imap.store, name).mockImplementation(async (...args: readonly unknown[]) => {
    (args.at(-1) as Parameters<MailStore["copy"]>[3])?.onRead?.(reads);
    begin();
    await hold;
    return carryOut(...args);
  });
  return { imap, session, begun, passTime: (ms) => (nowMs += ms), work: async () => spied.mock.results[0]?.value };
}

describe("a command that takes long", () => {
  it.each<[Held, string, string]>([
    ["copy", "UID COPY 1:3 Archive", "2 3"],
    ["move", "UID MOVE 1:3 Archive", "2 3"],
    ["expunge", "EXPUNGE", "2 NIL"],
    ["setFlags", "STORE 1:3 +FLAGS (\\Seen)", "2 3"],
    ["append", `APPEND INBOX {${MAIL.length}+}\r\n${MAIL}`, "NIL NIL"],
    ["replace", `REPLACE 1 INBOX {${MAIL.length}+}\r\n${MAIL}`, "NIL NIL"],
  ])("tells how far it is: %s", async (name, command, figures) => {
    const { session, begun, passTime } = await heldUp(name, { reads: 2 });
    session.write(`a1 ${command}\r\n`);
    await within(begun, "the operation");
    passTime(INTERVAL_MS);
    expect(await session.next()).toBe(`* OK [INPROGRESS ("a1" ${figures})] Still at it`);
    passTime(INTERVAL_MS);
    expect(await session.next()).toBe(`* OK [INPROGRESS ("a1" ${figures})] Still at it`);
    letGo();
    const answers = await session.until((response) => response.startsWith("a1 "), "the answer");
    expect(answers.at(-1)).toMatch(/^a1 OK /);
    expect(answers.filter((response) => response.includes("INPROGRESS"))).toEqual([]);
  });

  it("is carried out though its client has left", async () => {
    const { imap, session, begun, passTime, work } = await heldUp("append");
    session.write(`a1 APPEND INBOX {${MAIL.length}+}\r\n${MAIL}\r\n`);
    await within(begun, "the operation");
    const gone = new Promise<void>((resolve) => imap.sockets[0]?.once("close", () => resolve()));
    session.socket.resetAndDestroy();
    await within(gone, "the end of the connection");
    passTime(INTERVAL_MS);
    // Time for the session to find that there is nobody to be told.
    const other = await imap.open("INBOX");
    for (let i = 0; i < 20; i++) await other.ok("NOOP");
    letGo();
    expect(await within(work(), "the end of the operation")).toMatchObject([{ uid: 4 }]);
    await other.ok("NOOP");
    const read = await other.ok("UID FETCH 4 BODY[TEXT]");
    expect(read.join()).toContain("BODY[TEXT] {3}");
    expect(imap.errors).toEqual([]);
  });
});
