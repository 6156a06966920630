// The search index of a data directory. It can be made again from the mail: no backup has it, and a repair drops it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describeFormat, describeMessages, type Log } from "@pushmail/imap-idle-server";
import type { MailStore } from "@pushmail/mailstore";
import { openSearchIndex, type SearchIndex } from "@pushmail/search-index";
import type { Limits, ServerSettings } from "./settings.ts";

/** Undefined where there is to be none: then searches look at every message. */
export function openIndex(
  store: MailStore,
  { data, memory, searchIndex }: ServerSettings,
  { limits, log }: { readonly limits: Limits; readonly log: Log },
): SearchIndex | undefined {
  if (memory) return undefined;
  // One that is not kept up to date is not kept at all.
  if (searchIndex === "off") {
    dropIndex(data);
    return undefined;
  }
  const { search } = limits.imap;
  return openSearchIndex({
    store,
    directory: directoryIn(data),
    describe: describeMessages(store, search),
    format: describeFormat(search),
    limits: limits.searchIndex,
    log,
  });
}

/** Removes it from a data directory that nobody has open. */
export function dropIndex(data: string): void {
  rmSync(directoryIn(data), { recursive: true, force: true });
}

function directoryIn(data: string): string {
  return join(data, "search");
}
