// Texts sought in a mailbox of 10,000 mixed mails: by looking at every one, and with the index that spares most of it.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { atRest } from "../at-rest.ts";
import { FigureList, mustBe } from "../figure-list.ts";
import { ImapClient } from "../imap-client.ts";
import { corpusFacts, corpusMails, SUBJECT_WORD, TEXT_WORD } from "../mail-corpus.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";

const MESSAGES = 10_000;
const ROUNDS = 5;

export const search: Scenario = {
  name: "search",
  what: "10,000 mixed mails: texts sought without and with the index, and what the index costs",
  against: [],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const facts = corpusFacts(Math.ceil(MESSAGES * scale));
  const list = new FigureList();
  const questions: ReadonlyMap<string, number> = new Map([
    [`TEXT ${TEXT_WORD}`, facts.textHits],
    [`BODY ${TEXT_WORD}`, facts.textHits],
    ["TEXT nowhere", 0],
    [`SUBJECT ${SUBJECT_WORD}`, facts.subjectHits],
    ["HEADER Message-ID <4711@corpus", facts.messages > 4_711 ? 1 : 0],
  ]);
  for (const searchIndex of ["off", "on"] as const) {
    const peer = await start({ accounts: 1, searchIndex });
    try {
      const client = await ImapClient.open(peer.imap, userAt(0));
      await client.append("INBOX", corpusMails(facts.messages));
      await client.command("SELECT INBOX");
      if (searchIndex === "on") await build(list, peer, client, facts.messages);
      const how = searchIndex === "on" ? "with the index" : "without";
      for (let round = 0; round < ROUNDS; round++) {
        for (const [keys, hits] of questions) {
          const ask = (): Promise<number> => countOf(client, keys);
          mustBe(keys, (await list.time(`${keys}: ${how}`, peer, ask)).result, hits);
        }
      }
      client.close();
    } finally {
      await peer.end();
    }
  }
  return list.figures;
}

/** The first search has the mailbox indexed, in the background. */
async function build(list: FigureList, peer: Peer, client: ImapClient, messages: number): Promise<void> {
  await countOf(client, `TEXT ${TEXT_WORD}`);
  list.add("indexing a mail, CPU", ((await atRest(peer)) * 1_000) / messages, "ms");
  const directory = join(peer.directory, "search");
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  list.add("the index of a mail", bytes / 1_024 / messages, "KiB");
}

async function countOf(client: ImapClient, keys: string): Promise<number> {
  const { lines } = await client.command(`SEARCH ${keys}`);
  return lines.filter((line) => line.startsWith("* SEARCH")).flatMap((line) => line.match(/\d+/g) ?? []).length;
}
