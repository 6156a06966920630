// What a client does at each start: all mailboxes with their counts, in one command and in one for each.
import { FigureList, mustBe, NOT_ANNOUNCED } from "../figure-list.ts";
import { type Answer, ImapClient } from "../imap-client.ts";
import { smallMail } from "../mail-corpus.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";

const MAILBOXES = 500;
const WARM_ROUNDS = 5;
/** Behind the first ever: until what is compiled as it runs is compiled. */
const ROUNDS_UNTIL_WARM = 10;
const ITEMS = "(MESSAGES UNSEEN UIDNEXT)";

export const liststatus: Scenario = {
  name: "liststatus",
  what: "500 mailboxes: LIST, LIST RETURN (STATUS), 500 STATUS in a row, as first ever, warm, after a restart",
  against: ["dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const figures = new FigureList();
  const mailboxes = Array.from({ length: Math.ceil(MAILBOXES * scale) }, (_, index) => `box${index}`);
  const peer = await start({ accounts: 1 });
  const round = async (when: string, list = figures): Promise<void> => {
    const client = await ImapClient.open(peer.imap, userAt(0));
    const isListStatus = (await client.capabilities()).has("LIST-STATUS");
    const time = async (what: string, work: () => Promise<readonly Answer[]>): Promise<readonly Answer[]> =>
      (await list.time(`${what}, ${when}`, peer, work)).result;
    const listed = await time("LIST", async () => [await client.command('LIST "" *')]);
    mustBe("LIST", countOf(listed, "LIST", /box\d/), mailboxes.length);
    if (isListStatus) {
      const told = await time("LIST RETURN (STATUS)", async () => [
        await client.command(`LIST "" * RETURN (STATUS ${ITEMS})`),
      ]);
      mustBe("LIST RETURN (STATUS)", countOf(told, "STATUS", /box\d.*MESSAGES 1\b/), mailboxes.length);
    } else list.add(`LIST RETURN (STATUS), ${when}`, NOT_ANNOUNCED, "ms");
    const asked = await time(`${mailboxes.length} STATUS`, () =>
      Promise.all(mailboxes.map((name) => client.command(`STATUS ${name} ${ITEMS}`))),
    );
    mustBe("STATUS", countOf(asked, "STATUS", /MESSAGES 1\b/), mailboxes.length);
    client.close();
  };
  try {
    const filler = await ImapClient.open(peer.imap, userAt(0));
    await Promise.all(mailboxes.map((name) => filler.command(`CREATE ${name}`)));
    for (const name of mailboxes) await filler.append(name, [smallMail(0)]);
    filler.close();
    await round("first ever");
    for (let i = 0; i < ROUNDS_UNTIL_WARM; i++) await round("not counted", new FigureList());
    for (let i = 0; i < WARM_ROUNDS; i++) await round("warm");
    await peer.restart();
    await round("after a restart");
  } finally {
    await peer.end();
  }
  return figures.figures;
}

function countOf(answers: readonly Answer[], kind: string, fits: RegExp): number {
  const fitting = (line: string): boolean => line.startsWith(`* ${kind} `) && fits.test(line);
  return answers.flatMap(({ lines }) => lines).filter(fitting).length;
}
