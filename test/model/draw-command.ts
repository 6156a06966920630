// What a client of the model does next, drawn from what it knows of its mailbox.
import type { Draw } from "../support/draw.ts";
import type { ModelClient, Sent } from "./model-client.ts";
import { inOrder } from "./mailbox-copy.ts";

export const NAMES = ["INBOX", "Work", "Play", "Work/Old"] as const;
const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Label", "\\Seen $Label", "\\Deleted \\Flagged"];
/** From so many messages on a client rather removes than adds. */
const CROWD = 12;
const TEXT = "Subject: model\r\n\r\ntext\r\n";

/** A mailbox, and INBOX more often than another. */
export function drawName(draw: Draw): string {
  return draw.chance(0.5) ? "INBOX" : draw.of(NAMES);
}

type Maker = (draw: Draw, client: ModelClient) => Sent | undefined;

/** Commands by how often they are drawn; those that need a message give none where the client knows of none. */
const MAKERS: readonly (readonly [weight: number, make: Maker])[] = [
  [8, (draw) => append(draw)],
  [12, storing],
  [5, (draw, client) => meaning(draw, client, (uids) => ["MOVE", ` ${target(draw, uids)}`])],
  [3, (draw, client) => meaning(draw, client, () => ["COPY", ` ${drawName(draw)}`])],
  [5, (_, client) => (client.isReadOnly ? undefined : { text: "EXPUNGE" })],
  [3, uidExpunge],
  [4, (draw, client) => meaning(draw, client, () => ["FETCH", ` ${client.flagItems}`])],
  [2, (draw, client) => meaning(draw, client, () => ["FETCH", " (UID BODY[])"])],
  [
    2,
    (_, client) =>
      client.copy?.uids.length === 0 ? undefined : { text: `${client.kind.uidOnly === true ? "UID " : ""}SEARCH ALL` },
  ],
  [2, () => ({ text: "CHECK" })],
  [1, () => ({ text: "NOOP" })],
  [2, (draw) => ({ text: `RENAME ${drawName(draw)} ${draw.of(NAMES.slice(1))}` })],
  [3, (draw) => ({ text: `CREATE ${draw.of(NAMES.slice(1))}` })],
  [1, (draw) => ({ text: `DELETE ${draw.of(NAMES.slice(1))}` })],
];
const WEIGHTS = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

/** A command for a client that has selected a mailbox. */
export function drawCommand(draw: Draw, client: ModelClient): Sent {
  if ((client.copy?.uids.length ?? 0) > CROWD && !client.isReadOnly) return thin(draw, client);
  let at = draw.below(WEIGHTS * 1_000) / 1_000;
  const maker = MAKERS.find(([weight]) => (at -= weight) < 0) ?? MAKERS[0];
  return maker?.[1](draw, client) ?? append(draw);
}

function append(draw: Draw): Sent {
  const flags = draw.chance(0.3) ? `(${draw.of(FLAGS)}) ` : "";
  return { text: `APPEND ${drawName(draw)} ${flags}{${TEXT.length}+}\r\n${TEXT}` };
}

/** Makes room in a mailbox that has grown large. */
function thin(draw: Draw, client: ModelClient): Sent {
  return meaning(draw, client, () => ["STORE", " +FLAGS (\\Deleted)"]) ?? { text: "EXPUNGE" };
}

/** INBOX has more than its share. */
function target(draw: Draw, uids: readonly number[]): string {
  return uids.length > 3 ? draw.of(NAMES) : drawName(draw);
}

function storing(draw: Draw, client: ModelClient): Sent | undefined {
  if (client.isReadOnly) return undefined;
  const mode = draw.of(["+", "-", ""] as const);
  const flags = draw.of(FLAGS);
  // A client that may be told of others' changes meanwhile cannot know which came first.
  const canBeSilent = client.kind.notify === undefined || client.kind.qresync === true;
  const silent = canBeSilent && draw.chance(0.4);
  const condition = client.kind.qresync === true && draw.chance(0.3) ? `(UNCHANGEDSINCE ${client.copy?.modSeq}) ` : "";
  const sent = meaning(draw, client, () => ["STORE", ` ${condition}${mode}FLAGS${silent ? ".SILENT" : ""} (${flags})`]);
  return sent === undefined || !silent ? sent : { ...sent, silentChange: { mode, flags: inOrder(flags.split(" ")) } };
}

function uidExpunge(draw: Draw, client: ModelClient): Sent | undefined {
  const known = knownUids(client);
  return known.length === 0 || client.isReadOnly ? undefined : { text: `UID EXPUNGE ${draw.of(known)}:*` };
}

function knownUids({ copy }: ModelClient): readonly number[] {
  return copy?.uids.filter((uid) => uid !== 0) ?? [];
}

/** A command about some messages, meant by their numbers or their UIDs. */
function meaning(
  draw: Draw,
  client: ModelClient,
  around: (uids: readonly number[]) => readonly [string, string],
): Sent | undefined {
  const uids = client.copy?.uids ?? [];
  const [a, b] = [draw.below(uids.length), draw.below(uids.length)];
  const [first, last] = draw.chance(0.4) ? [a, a] : [Math.min(a, b), Math.max(a, b)];
  const byUid = client.meansUids || draw.chance(0.5);
  const meant = uids.slice(first, last + 1);
  const [command, rest] = around(meant);
  const isKnown = meant.length > 0 && !meant.includes(0);
  if (!isKnown || (client.isReadOnly && command === "MOVE")) return undefined;
  // Between two that are known may be some that are not, where those have no numbers.
  const byRange = byUid ? `${meant[0]}:${meant.at(-1)}` : `${first + 1}:${last + 1}`;
  const set = client.kind.uidOnly === true ? meant.join() : byRange;
  return { text: `${byUid ? "UID " : ""}${command} ${set}${rest}`, uids: meant };
}
