// Facts of the messages of a mailbox: from what is kept, else from what is stored of them.
import { uidSetOf, type MessageDetails } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { DamagedMessages } from "../damaged-messages.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";
import type { MailboxFacts } from "./mailbox-facts.ts";
import { FACTS, type FactName } from "./message-facts.ts";

export interface ReadOptions {
  readonly names: readonly FactName[];
  readonly slice: TimeSlice;
}

export interface ReadFacts {
  /** Those of the messages that are still there, of which all is known that was asked for. */
  readonly uids: Uint32Array;
  /** The columns of these facts, as they were asked for: a message is a row. */
  readonly columns: readonly Float64Array[];
  readonly facts: MailboxFacts;
}

/** Reads what is not known of messages, given in ascending order. */
export async function readFacts(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  { names, slice }: ReadOptions,
): Promise<ReadFacts> {
  const at = { account: state.handle.account, mailbox: state.handle.id };
  const facts = session.server.facts.of(at, (await session.index(state)).count);
  const there = new Uint32Array(uids.length);
  const columns = names.map(() => new Float64Array(uids.length));
  const { batchMessagesMax } = session.limits.search;
  const damaged = new DamagedMessages(session);
  slice.goal = uids.length;
  let count = 0;
  try {
    // Even what is known is taken in batches: others have their turn between two.
    for (let from = 0; from < uids.length; from += batchMessagesMax) {
      const batch = uids.subarray(from, from + batchMessagesMax);
      const lacking = facts.lacking(batch, names);
      slice.done += batch.length - lacking.length;
      if (lacking.length > 0) await learn(state, facts, lacking, { names, slice });
      else await slice.rest();
      const gone = new Set(facts.lacking(lacking, names));
      await damaged.passOverLost(state, [...gone], []);
      const index = await session.index(state);
      const known = batch.filter((uid) => index.rowOf(uid) >= 0 && !gone.has(uid));
      there.set(known, count);
      for (const [i, name] of names.entries()) columns[i]?.set(facts.valuesOf(known, name), count);
      count += known.length;
    }
  } finally {
    // However it ends: what was learned is there, and takes room.
    session.server.facts.keep(at, facts);
  }
  await damaged.tell();
  return { uids: there.subarray(0, count), columns: columns.map((column) => column.subarray(0, count)), facts };
}

async function learn(
  { handle }: Selected,
  facts: MailboxFacts,
  uids: Uint32Array,
  { names, slice }: ReadOptions,
): Promise<void> {
  const source = names.some((name) => FACTS[name].source === "details") ? "details" : "metadata";
  // The source is that of each fact.
  for await (const batch of handle[source](uidSetOf(uids)) as AsyncIterable<readonly MessageDetails[]>) {
    for (const message of batch) facts.learn(message, names);
    slice.done += batch.length;
    await slice.rest();
  }
}
