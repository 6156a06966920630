// Keeps a view in step with its mailbox: loads it, and tells the client of what changed since.
import { printExists, printFlags, printRecent, printUntagged, printVanished } from "@pushmail/imap-wire";
import { normalizeUidSet, type Cursor, type MessageIndex, type UidRange, type UidSet } from "@pushmail/mailstore";
import { flagsAllowed, rightsIn } from "./access.ts";
import type { Selected, Session } from "./command.ts";
import { tellArrived } from "./fetch/tell-arrived.ts";
import { itemsOfChange, tellRows } from "./fetch/tell-rows.ts";
import { TimeSlice } from "./fetch/time-slice.ts";
import { tellChanged, tellGone } from "./live/tell-live.ts";
import type { Updates } from "./mailbox-updates.ts";
import type { SelectedWants } from "./notify/subscription.ts";
import { printExpunges } from "./print-expunges.ts";
import { tellsVanished } from "./response-form.ts";

const SYSTEM_FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];
const LOAD_ATTEMPTS_MAX = 100;
/** Ranges that one VANISHED tells. */
const RANGES_AT_ONCE = 1_000;

export interface TellOptions {
  readonly wants: SelectedWants;
  /** Whether the numbers are in use, so that no EXPUNGE may be told (RFC 9051 7.5.1). */
  readonly holdsExpunge: boolean;
}

/** The messages of the selected mailbox, with the view loaded. */
export async function loadIndex(session: Session, state: Selected): Promise<MessageIndex> {
  const { handle, view } = state;
  let index = await handle.ready();
  let expunged: UidSet = [];
  for (let attempts = 0; !view.isLoaded && !view.load(index, expunged); attempts++) {
    if (attempts === LOAD_ATTEMPTS_MAX) throw new Error(`mailbox ${handle.id} does not hold what SELECT told of it`);
    // Something was expunged between SELECT and now, and perhaps again while this was read.
    const { through } = handle;
    expunged = await expungedSinceTold(session, state);
    index = await handle.ready();
    if (handle.through === through && !view.load(index, expunged)) await loadLossy(session, state, { index, expunged });
  }
  return index;
}

/** Where nothing has come between, and the log says what went, what does not make up what was told is the store's own loss. */
async function loadLossy(
  session: Session,
  { handle, view }: Selected,
  { index, expunged }: { readonly index: MessageIndex; readonly expunged: UidSet },
): Promise<void> {
  const lost = view.loadLossy(index, expunged);
  if (lost === 0) return;
  const { account, id } = handle;
  session.log.error(
    { account, mailbox: id, lost },
    "a mailbox has other messages than it counts: have the store checked",
  );
  if (lost < 0) await session.write(printExists(view.count));
}

/** The HIGHESTMODSEQ that the client must be told of, because no MODSEQ of a message shows it. */
export type Told = Cursor | undefined | Promise<Cursor | undefined>;

/**
 * Tells the client what changed in its mailbox. Does nothing, at no cost, where nothing did; and where memory has all of
 * it, and it is new mail alone, it is told without a promise: so a thousand sessions are told in one go.
 */
export function tellUpdates(session: Session, state: Selected, options: TellOptions): Told {
  const { handle, view } = state;
  const highest = handle.status?.highestModSeq ?? 0;
  if (highest <= view.through && !view.isLacking) {
    // Else the next news would have to be looked for among all that happened elsewhere, in the log where it is much.
    view.skipTo(handle.through);
    return undefined;
  }
  if (options.holdsExpunge && highest <= view.toldThrough) return heldModSeq(session, state);
  if (!view.isLoaded) return loadIndex(session, state).then(() => tellUpdates(session, state, options));
  const recentBefore = view.recentCount;
  const updates = updatesAtHand(session, state, options);
  const { wants } = options;
  if (updates === undefined) {
    return readUpdates(session, state, options).then((read) =>
      tellInOrder(session, state, { wants, updates: read, recentBefore }),
    );
  }
  const isMailAlone = updates.expunged.length === 0 && (updates.flags.length === 0 || !wants.flags);
  if (!isMailAlone || wants.fetch.length > 0 || view.live.length > 0) {
    return tellInOrder(session, state, { wants, updates, recentBefore });
  }
  const full = tellExists(session, state, { exists: updates.exists, recentBefore });
  return full === undefined ? heldModSeq(session, state) : full.then(() => heldModSeq(session, state));
}

interface InOrder extends Pick<TellOptions, "wants"> {
  readonly updates: Updates;
  readonly recentBefore: number;
}

async function tellInOrder(
  session: Session,
  state: Selected,
  { wants, updates, recentBefore }: InOrder,
): Promise<Cursor | undefined> {
  const { view } = state;
  if (updates.expunged.length > 0) {
    if (view.live.length > 0) await tellGone(session, state, updates);
    await tellExpunged(session, updates);
  }
  await tellExists(session, state, { exists: updates.exists, recentBefore });
  try {
    if (wants.fetch.length > 0) await tellArrived(session, state, updates.arrived, wants.fetch);
  } finally {
    // The view has seen through them, whatever cannot be read of a new message.
    if (wants.flags) await tellFlags(session, state, { uids: updates.flags });
    if (view.live.length > 0) {
      const changed = [...updates.arrived, ...updates.flags, ...updates.own];
      await tellChanged(session, state, normalizeUidSet(changed));
    }
  }
  const isVanishedTold = updates.vanished.length > 0 && session.isEnabled("QRESYNC");
  return isVanishedTold ? toldModSeq(state) : heldModSeq(session, state);
}

/** Tells how many messages there are, where some have come, and what that or other rights make of the flags. */
function tellExists(
  session: Session,
  state: Selected,
  { exists, recentBefore }: { readonly exists: number | undefined; readonly recentBefore: number },
): Promise<void> | undefined {
  const { view } = state;
  if (exists === undefined) return view.rightsTold === rightsIn(state) ? undefined : tellKeywords(session, state);
  claimRecent(session, state);
  const recent = view.recentCount === recentBefore ? "" : printRecent(view.recentCount);
  return session.write(printKeywords(state) + printExists(exists) + recent);
}

/**
 * A HIGHESTMODSEQ that must be told where something is held back: it may have a lower MODSEQ than what was told, so
 * that the client must not keep that (RFC 7162 3.2).
 */
export function heldModSeq(session: Session, state: Selected): Cursor | undefined {
  const isBehind = toldModSeq(state) < (state.handle.status?.highestModSeq ?? 0);
  return isBehind && session.isEnabled("QRESYNC") ? toldModSeq(state) : undefined;
}

/** The MODSEQ up to which the client knows everything: it may keep it as the point from which to ask for changes. */
export function toldModSeq({ handle, view }: Selected): Cursor {
  const highest = handle.status?.highestModSeq ?? view.through;
  return highest < view.through ? highest : view.through;
}

/** Tells which UIDs are gone, where there are any (RFC 7162 3.2.10). */
export async function tellVanished(
  session: Session,
  uids: UidSet,
  options: { readonly earlier: boolean },
): Promise<void> {
  for (let at = 0; at < uids.length; at += RANGES_AT_ONCE) {
    await session.write(printVanished(uids.slice(at, at + RANGES_AT_ONCE), options));
  }
}

/**
 * Makes the messages that nobody was told of `\Recent` to this session (RFC 3501 2.3.2); EXAMINE leaves them so, and
 * IMAP4rev2 does not know of it.
 */
export function claimRecent(session: Session, { handle, view, readOnly }: Selected): void {
  if (session.isEnabled("IMAP4rev2")) return;
  const uidNext = handle.status?.uidNext ?? 0;
  view.addRecent(readOnly ? handle.recentFrom : handle.claimRecent(), uidNext - 1);
}

/** Tells which flags there are, and which of them the client may set, where that is new to it (RFC 9051 7.3.5). */
export function tellKeywords(session: Session, state: Selected): Promise<void> | undefined {
  return session.write(printKeywords(state));
}

function printKeywords(state: Selected): string {
  const { handle, view } = state;
  const keywords = handle.keywords();
  const rights = rightsIn(state);
  if (keywords.length === view.keywordsTold && rights === view.rightsTold) return "";
  view.keywordsTold = keywords.length;
  view.rightsTold = rights;
  const flags = [...SYSTEM_FLAGS, ...keywords];
  const permanent = flagsAllowed(rights, [...flags, "\\*"]);
  return printFlags(flags) + printUntagged("OK", "Flags kept", { code: "PERMANENTFLAGS", flags: permanent });
}

export interface FlagsToTell {
  readonly uids: UidSet;
  /** Only the MODSEQ, where the client knows the flags (RFC 7162 3.1.3). */
  readonly silent?: boolean;
}

/** Tells the current flags of those messages of a set that are still there. */
export async function tellFlags(session: Session, state: Selected, { uids, silent }: FlagsToTell): Promise<void> {
  if (uids.length === 0) return;
  await state.handle.ready();
  await tellKeywords(session, state);
  const items = itemsOfChange(session, { silent: silent === true });
  await tellRows(session, state, { uids, items, changedSince: null, slice: new TimeSlice() });
}

async function tellExpunged(session: Session, { expunged, vanished }: Updates): Promise<void> {
  if (tellsVanished(session)) return tellVanished(session, vanished, { earlier: false });
  for (const text of printExpunges(expunged)) await session.write(text);
}

/** What memory has, which is nearly always all: then a thousand sessions are told in one go, each with one write. */
function updatesAtHand(session: Session, { handle, view }: Selected, options: TellOptions): Updates | undefined {
  if (view.isLacking) return undefined;
  const recent = handle.recent(view.through, session.limits.changeRecordsMax);
  const { holdsExpunge } = options;
  return recent && view.apply(recent.records, recent.index, { holdsExpunge, through: recent.through });
}

async function readUpdates(session: Session, { handle, view }: Selected, options: TellOptions): Promise<Updates> {
  const page = await session.store.changes(handle.account, view.through, session.limits.changeRecordsMax, handle.id);
  if (!page.tooOld && !page.more && !view.isLacking) {
    return view.apply(page.records, await handle.ready(), { ...options, through: page.through });
  }
  // First the cursor, then the state: what comes in between is found again, and nothing is missed.
  const through = await session.store.cursor(handle.account);
  return view.compare(await handle.ready(), { ...options, through });
}

async function expungedSinceTold(session: Session, { handle, view }: Selected): Promise<UidSet> {
  const ranges: UidRange[] = [];
  for (let since = view.through; ;) {
    const page = await session.store.changes(handle.account, since, session.limits.changeRecordsMax, handle.id);
    if (page.tooOld) return handle.vanishedSince(view.through);
    for (const change of page.records.flatMap((record) => record.changes)) {
      if (change.type === "MessageExpunged" && change.mailbox === handle.id) {
        for (const range of change.uids) ranges.push(range);
      }
    }
    if (!page.more) return normalizeUidSet(ranges);
    since = page.through;
  }
}
