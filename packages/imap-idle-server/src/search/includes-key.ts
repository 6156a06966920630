import type { SearchKey } from "@pushmail/imap-wire";

/** Whether a search has a key of some type, or of some other kind, anywhere in it. */
export function includesKey(key: SearchKey, kind: SearchKey["type"] | ((key: SearchKey) => boolean)): boolean {
  if (key.type === "not") return includesKey(key.key, kind);
  if (key.type === "and" || key.type === "or") return key.keys.some((one) => includesKey(one, kind));
  return typeof kind === "string" ? key.type === kind : kind(key);
}
