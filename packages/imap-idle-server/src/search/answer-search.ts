// How a search is answered: by numbers alone, or by an ESEARCH with what the client wants of them (RFC 4731 3), which may
// be kept for it as `$` (RFC 5182 2).
import {
  pageOf,
  partialOf,
  printEsearchHead,
  printPageRange,
  SyntaxFault,
  type EsearchHead,
  type PageRange,
  type SearchArguments,
} from "@pushmail/imap-wire";
import type { Uid } from "@pushmail/mailstore";
import type { Call, Completion, Selected, Session } from "../command.ts";
import { prepareLive, startLive } from "../live/start-live.ts";
import { sortMessages, type SortColumns } from "../sort/sort-messages.ts";
import { includesKey } from "./includes-key.ts";
import { refuseArranged, refuseCharset, refuseSaved } from "./refuse-search.ts";
import { searchMessages } from "./search-messages.ts";
import { tellSet } from "./tell-set.ts";

/** How much of a list of numbers is printed at once. */
const NUMBERS_AT_ONCE = 4_096;
const NONE: Uint32Array = new Uint32Array(0);

/** The command that searches. */
export interface SearchCall extends Pick<Call, "tag" | "uid">, Pick<EsearchHead, "mailbox"> {
  readonly name: "SEARCH" | "SORT";
  /** What the messages that were found are put in order by. */
  arrange?(uids: Uint32Array): Promise<SortColumns>;
}

/** Searches the selected mailbox and tells what was found. */
export async function answerSearch(
  session: Session,
  state: Selected,
  asked: SearchArguments,
  call: SearchCall,
): Promise<Completion | void> {
  // RFC 9051 6.4.4: IMAP4rev2 knows no other answer than ESEARCH.
  const isExtended = asked.returns === null && call.name === "SEARCH" && session.isEnabled("IMAP4rev2");
  const search: SearchArguments = isExtended ? { ...asked, returns: ["ALL"] } : asked;
  const saves = search.returns?.includes("SAVE") === true;
  try {
    const live = call.mailbox === undefined ? await prepareLive(session, state, search, call) : undefined;
    const found = refuseCharset(session, call.name, search.charset) ?? (await find(session, state, { search, call }));
    if (saves) state.view.saved = NONE;
    if (!("uids" in found)) return found;
    const chosen = saves ? chosenOf(search, found.uids) : NONE;
    const refused = refuseSaved(chosen.length, session.limits.search);
    if (refused !== undefined) return refused;
    if (saves) state.view.saved = chosen;
    if (live !== undefined) await startLive(session, state, live, found);
    return await tell(session, state, { search, uids: found.uids, call });
  } catch (error) {
    // RFC 5182 2.1: a search that fails leaves nothing saved; one that is BAD leaves what was.
    if (saves && !(error instanceof SyntaxFault)) state.view.saved = NONE;
    throw error;
  }
}

interface Asked {
  readonly search: SearchArguments;
  readonly call: SearchCall;
}

/** What is found, in the order in which it is told, and what that order is of. */
interface Results {
  readonly uids: Uint32Array;
  readonly columns: SortColumns | undefined;
}

async function find(session: Session, state: Selected, { search, call }: Asked): Promise<Results | Completion> {
  // RFC 7162 3.1: whoever asks for MODSEQ wants to be told of it from then on.
  if (includesKey(search.key, "modSeq")) await session.enable("CONDSTORE");
  const uids = await searchMessages(session, state, search.key);
  if (call.arrange === undefined) return { uids, columns: undefined };
  const refused = refuseArranged(uids.length, session.limits.search);
  if (refused !== undefined) return refused;
  const columns = await call.arrange(uids);
  return { uids: await sortMessages(session, columns), columns };
}

interface Found extends Asked {
  /** In the order in which they are told. */
  readonly uids: Uint32Array;
}

async function tell(session: Session, state: Selected, { search, uids, call }: Found): Promise<void> {
  const { returns, key } = search;
  const modSeq = includesKey(key, "modSeq") ? await highestModSeq(session, state, chosenOf(search, uids)) : undefined;
  const numbers = call.uid ? uids : uids.map((uid) => state.view.numberOf(uid));
  if (returns === null) {
    // RFC 7162 3.1.5
    await tellNumbers(session, `* ${call.name}`, numbers, modSeq === undefined ? "" : ` (MODSEQ ${modSeq})`);
    return;
  }
  // RFC 5182 2.4: what is only saved is not told.
  if (returns.every((option) => option === "SAVE")) return;
  // RFC 7377 2.1: of many mailboxes those alone are told that have something.
  if (call.mailbox !== undefined && uids.length === 0) return;
  await session.write(printEsearchHead({ ...call, ...session.names }));
  // RFC 4731 3.1: of nothing there is a count alone.
  if (returns.includes("MIN") && numbers.length > 0) await session.write(` MIN ${numbers[0]}`);
  if (returns.includes("MAX") && numbers.length > 0) await session.write(` MAX ${numbers.at(-1)}`);
  if (returns.includes("COUNT")) await session.write(` COUNT ${numbers.length}`);
  if (returns.includes("ALL") && numbers.length > 0) await tellSet(session, " ALL ", numbers);
  const partial = partialOf(returns);
  if (partial !== undefined) await tellPage(session, partial, numbers);
  await session.write(modSeq === undefined ? "\r\n" : ` MODSEQ ${modSeq}\r\n`);
}

/**
 * What is saved, and whose MODSEQ is told: where only the ends or a page are asked for, these (RFC 5182 2.1, RFC 4731
 * 3.2, RFC 9394 3.2).
 */
function chosenOf({ returns }: SearchArguments, uids: Uint32Array): Uint32Array {
  if (returns === null || uids.length === 0) return uids;
  const chosen = new Set<Uid>();
  if (returns.includes("MIN")) chosen.add(uids[0] as Uid);
  if (returns.includes("MAX")) chosen.add(uids.at(-1) as Uid);
  const partial = partialOf(returns);
  if (partial !== undefined) for (const uid of pageIn(partial, uids)) chosen.add(uid);
  const asksForSome = chosen.size > 0 || partial !== undefined;
  const asksForAll = returns.includes("ALL") || returns.includes("COUNT");
  return asksForAll || !asksForSome ? uids : Uint32Array.from(chosen);
}

function pageIn(range: PageRange, results: Uint32Array): Uint32Array {
  const { start, end } = pageOf(range, results.length);
  return results.subarray(start, end);
}

async function highestModSeq(session: Session, state: Selected, uids: Uint32Array): Promise<number | undefined> {
  const index = await session.index(state);
  let highest: number | undefined;
  for (const uid of uids) {
    const row = index.rowOf(uid);
    if (row >= 0) highest = Math.max(highest ?? 0, index.modSeqAt(row));
  }
  return highest;
}

/** In pieces, as there may be very many. */
async function tellNumbers(session: Session, head: string, numbers: Uint32Array, end: string): Promise<void> {
  await session.write(head);
  for (let at = 0; at < numbers.length; at += NUMBERS_AT_ONCE) {
    await session.write(` ${numbers.subarray(at, at + NUMBERS_AT_ONCE).join(" ")}`);
  }
  await session.write(`${end}\r\n`);
}

/** A page of the results, or NIL where they have none such (RFC 9394 3.1). */
async function tellPage(session: Session, range: PageRange, numbers: Uint32Array): Promise<void> {
  const page = pageIn(range, numbers);
  await session.write(` PARTIAL (${printPageRange(range)} `);
  await (page.length === 0 ? session.write("NIL") : tellSet(session, "", page));
  await session.write(")");
}
