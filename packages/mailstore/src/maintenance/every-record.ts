// The records of the log wherever there are any: for who looks for what has been lost elsewhere.
import type { LogRecord } from "../driver.ts";
import { cursor } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { recordsIn } from "../level/log-records.ts";
import { walkSegment } from "../level/maintenance/segment-walk.ts";
import { statedEnds } from "../level/maintenance/whole-log.ts";
import type { Segments } from "../level/segments.ts";
import type { MailboxAt } from "../store.ts";

const RECORDS_PER_READ = 1_000;

/** Takes all that is left of mailboxes, in one walk through the segments; of other mailboxes too. What both have comes twice. */
export async function eachRecord(
  driver: LevelDriver,
  mailboxes: readonly MailboxAt[],
  take: (record: LogRecord) => void,
): Promise<void> {
  for (const at of mailboxes) for await (const record of indexedRecords(driver, at)) take(record);
  for await (const record of writtenRecords(driver.inside.segments)) take(record);
}

/** Of a mailbox, all that the index has. */
async function* indexedRecords(driver: LevelDriver, { account, mailbox }: MailboxAt): AsyncGenerator<LogRecord> {
  let after = (await driver.log(account, cursor(0), { limit: 1 })).floor;
  for (;;) {
    const { records } = await driver.log(account, after, { mailbox, limit: RECORDS_PER_READ });
    yield* records;
    const last = records.at(-1);
    if (last === undefined) return;
    after = last.cursor;
  }
}

/** Of every mailbox, all that the segments have, be the log cut behind them or not. */
async function* writtenRecords(segments: Segments): AsyncGenerator<LogRecord> {
  const ends = await statedEnds(segments);
  for (const number of segments.numbers("log")) {
    const lease = (await segments.header(number)) && (await segments.acquire(number));
    if (lease === undefined) continue;
    try {
      for await (const step of walkSegment(lease, { until: ends.get(number) })) {
        if (step.type === "batch") yield* recordsIn(step.payload);
      }
    } finally {
      lease.release();
    }
  }
}
