// Ten thousand mails one after the other to one idle session: none may be missed.
import { FigureList } from "../figure-list.ts";
import { IdleCrowd } from "../idle-crowd.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";
import { percentile } from "../statistics.ts";

const MAILS = 10_000;
const MISSED_AFTER_MS = 10_000;
const MAIL_BYTES = 4096;

export const sends: Scenario = {
  name: "sends",
  what: "10,000 mails of 4 KiB one after the other, one mailbox, one idle session",
  against: [],
  repeatsMax: 1,
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const mails = Math.ceil(MAILS * scale);
  const peer = await start({ accounts: 1 });
  try {
    const crowd = await IdleCrowd.open(peer.imap, [userAt(0)]);
    const sender = await Sender.open(peer.lmtp, MAIL_BYTES);
    const times: number[] = [];
    for (let i = 1; i <= mails; i++) {
      const wait = crowd.told(i, MISSED_AFTER_MS);
      const { sentAtMs } = await sender.send(userAt(0));
      const toldAtMs = (await wait).atMs[0];
      if (toldAtMs !== undefined) times.push(toldAtMs - sentAtMs);
    }
    crowd.close();
    sender.close();
    const list = new FigureList();
    list.add("sent", mails, "count", "more");
    list.add("missed", mails - times.length, "count");
    for (const share of [50, 99, 100]) {
      const name = share === 100 ? "max" : `p${share}`;
      list.add(`end of data to EXISTS, ${name}`, percentile(times, share / 100), "ms");
    }
    return list.figures;
  } finally {
    await peer.end();
  }
}
