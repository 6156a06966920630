import { expect, it } from "@jest/globals";
import { uidSetOf, type Cursor, type MessageIndex, type Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { tellRows } from "./tell-rows.ts";
import { TimeSlice } from "./time-slice.ts";

const COUNT = 10_000;
const APART = 100;
const uids = Array.from({ length: COUNT }, (_, row) => (row + 1) as Uid);

it("looks no further for messages that are alike than it tells", async () => {
  let looked = 0;
  const index = {
    count: COUNT,
    rowOf: (uid: Uid) => uid - 1,
    modSeqAt: () => 1 as Cursor,
    flagsAt: () => ({ names: ["\\Seen"], seen: true, deleted: false, has: () => false }),
    alikeEnd: (row: number, end: number) => {
      looked += end - row;
      return end;
    },
  } as unknown as MessageIndex;
  const view = { uids, lowerBound: (uid: Uid) => Math.min(COUNT, uid - 1), isRecent: () => false };
  let said = "";
  const session = {
    index: () => Promise.resolve(index),
    isEnabled: () => false,
    limits: { outputBytesMax: 65_536 },
    write: (text: string) => void (said += text),
  } as unknown as Session;
  const told = uidSetOf(uids.filter((uid) => uid % APART === 0));
  const request = { uids: told, items: ["UID", "FLAGS"], changedSince: null, slice: new TimeSlice() } as const;
  expect(await tellRows(session, { view } as unknown as Selected, request)).toBe(true);
  expect(said.match(/\* \d+ FETCH \(UID \d+ FLAGS \(\\Seen\)\)\r\n/g)).toHaveLength(COUNT / APART);
  expect(looked).toBe(COUNT / APART);
});
