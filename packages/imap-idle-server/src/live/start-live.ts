// The beginning of a search whose results are told as they change (RFC 5267 4.3), and what it may be refused for.
import { printUntagged, SyntaxFault, updateOf, type SearchArguments } from "@pushmail/imap-wire";
import type { Call, Selected, Session } from "../command.ts";
import type { MailboxView } from "../mailbox-view.ts";
import { includesKey } from "../search/includes-key.ts";
import { SortOrder } from "../sort/sort-order.ts";
import type { SortColumns } from "../sort/sort-messages.ts";
import { fixKey, LiveSearch, type LiveSearchParts } from "./live-search.ts";

export const TOO_MANY_RESULTS = "So many results are not updated";

/** A search as it is to be followed, of the moment at which the command came. */
export interface LiveStart extends Pick<LiveSearchParts, "tag" | "uid" | "key" | "fetch"> {}

/** Prepares what the command asks for; undefined where it asks for no updates. */
export async function prepareLive(
  session: Session,
  state: Selected,
  { key, returns }: SearchArguments,
  { tag, uid }: Pick<Call, "tag" | "uid">,
): Promise<LiveStart | undefined> {
  const fetch = updateOf(returns);
  if (fetch === undefined) return undefined;
  // The view is ready once the index is.
  await session.index(state);
  // RFC 5267 4.3: the tag tells the client whose updates they are.
  if (state.view.live.some(({ parts }) => parts.tag === tag))
    throw new SyntaxFault("This tag is that of another search");
  return { tag, uid, key: fixKey(key, state.view), fetch };
}

/** Follows the search from now on, or says why not; its other results are told all the same (RFC 5267 4.3.1). */
export async function startLive(
  session: Session,
  { view }: Selected,
  start: LiveStart,
  { uids, columns }: { readonly uids: Uint32Array; readonly columns: SortColumns | undefined },
): Promise<void> {
  const { liveSearchesMax, liveBytesMax } = session.limits.search;
  if (view.live.length >= liveSearchesMax)
    return refuseLive(session, start.tag, `At most ${liveSearchesMax} searches are updated`);
  // Nothing changes when a message grows older: there would be nothing to tell it by.
  if (includesKey(start.key, "age")) return refuseLive(session, start.tag, "What depends on the time is not updated");
  const bytesLeft = liveBytesMax - bytesOfLive(view);
  const order = columns === undefined ? undefined : await SortOrder.of(session, columns, bytesLeft);
  const live = new LiveSearch({ ...start, order }, uids, view);
  if (live.bytes > bytesLeft) return refuseLive(session, start.tag, TOO_MANY_RESULTS);
  view.live = [...view.live, live];
}

/** Follows a search no longer, and says why. */
export async function endLive(session: Session, view: MailboxView, live: LiveSearch, why: string): Promise<void> {
  view.live = view.live.filter((other) => other !== live);
  await refuseLive(session, live.parts.tag, why);
}

/** RFC 9586 3: from now on the client is told of no message by its number. */
export async function endNumbered(session: Session, view: MailboxView): Promise<void> {
  for (const live of view.live) {
    if (!live.parts.uid) await endLive(session, view, live, "Message numbers are no longer used");
  }
}

export async function refuseLive(session: Session, tag: string, why: string): Promise<void> {
  await session.write(printUntagged("NO", why, { code: "NOUPDATE", tag }));
}

/** About as much as is held for all live searches of a view. */
export function bytesOfLive({ live }: MailboxView): number {
  return live.reduce((sum, { bytes }) => sum + bytes, 0);
}
