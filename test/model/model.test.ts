// Random commands of several clients at the same time on shared mailboxes: what each knows from untagged responses alone
// is what is there, at every NOOP, at every DONE and at the end. MODEL_STEPS makes a longer run,
// TEST_SEED another one; a failure tells the seed and what was said last.
import { describe, expect, it } from "@jest/globals";
import { memoryImapOfTest, type MemoryImapOptions } from "../support/memory-imap.ts";
import { testSeed } from "../support/seeded-random.ts";
import { MailboxModel } from "./mailbox-model.ts";

/** Of each of the four runs. */
const STEPS = Number(process.env["MODEL_STEPS"] ?? 3_400);
/** What a run must have come to. */
const EVERYTHING =
  `APPEND CHECK COPY CREATE DELETE EXAMINE EXPUNGE FETCH IDLE MOVE NOOP RENAME SEARCH SELECT STORE UID_COPY UID_EXPUNGE
  UID_FETCH UID_MOVE UID_STORE compared cut_off mailbox_deleted`
    .split(/\s+/)
    .map((name) => name.replace("_", " "));

const startImap = memoryImapOfTest();

describe("what clients are told", () => {
  it.each<[string, MemoryImapOptions]>([
    ["from the records of what changed", {}],
    ["by looking at all messages, where the records are too many", { limits: { changeRecordsMax: 1 } }],
    [
      "from the log, where memory has let go of the records",
      { storeLimits: { recentRecordsMax: 1 }, limits: { changeRecordsMax: 4 } },
    ],
    ["of all that is gone, where the store has forgotten when", { storeLimits: { vanishedRangesMax: 1 } }],
  ])(
    `is all that there is in ${STEPS} steps, told %s`,
    async (_, options) => {
      const imap = await startImap(options);
      const model = await MailboxModel.start(testSeed(), imap);
      await model.run(STEPS);
      expect(imap.errors).toEqual([]);
      expect([...model.done.keys()]).toEqual(expect.arrayContaining(EVERYTHING));
    },
    3_600_000,
  );
});
