// UIDBATCHES (RFC 10022): the selected mailbox in batches of as many messages each, from the newest to the oldest, as
// ranges of UIDs.
import { parseBatchArguments, printUidBatches, type BatchArguments, type NumberRange } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import type { MailboxView } from "../mailbox-view.ts";
import { no } from "../replies.ts";

export const uidbatches: Command = command({
  name: "UIDBATCHES",
  in: ["selected"],
  capability: "UIDBATCHES",
  parse(scan) {
    scan.space();
    return parseBatchArguments(scan);
  },
  async run(session, { size, batches }, state, { tag }) {
    const { uidBatchMessagesMin, uidBatchedMessagesMax } = session.limits;
    if (size < uidBatchMessagesMin) return no("TOOFEW", `Minimum batch size is ${uidBatchMessagesMin}`);
    // RFC 10022 3.1.5: of all there may be more.
    if (batches !== null && (batches[1] - batches[0] + 1) * size > uidBatchedMessagesMax) {
      return no("TOOMANY", `Batches of more than ${uidBatchedMessagesMax} messages are asked for`);
    }
    await session.index(state);
    await session.write(printUidBatches(tag, batchesOf(state.view, { size, batches })));
    return undefined;
  },
});

function batchesOf(view: MailboxView, { size, batches }: BatchArguments): readonly NumberRange[] {
  const [first, last] = batches ?? [1, Infinity];
  const ranges: NumberRange[] = [];
  for (let batch = first; batch <= last; batch++) {
    const highest = view.count - (batch - 1) * size;
    if (highest < 1) break;
    const lowest = highest - size + 1;
    // RFC 10022 3.1.4: by UID 1 the client knows that there are no more.
    ranges.push([lowest <= 1 ? 1 : view.uidOf(lowest), view.uidOf(highest)]);
  }
  return ranges;
}
