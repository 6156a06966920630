import type { SearchKey } from "@pushmail/imap-wire";

/** Whether a search has a key of some type anywhere in it. */
export function includesKey(key: SearchKey, type: SearchKey["type"]): boolean {
  if (key.type === "not") return includesKey(key.key, type);
  if (key.type === "and" || key.type === "or") return key.keys.some((one) => includesKey(one, type));
  return key.type === type;
}
