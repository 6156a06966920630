import type { SearchKey } from "@pushmail/imap-wire";

/** Whether a search asks for MODSEQ, and so is told of it (RFC 7162 3.1.5). */
export function usesModSeq(key: SearchKey): boolean {
  if (key.type === "not") return usesModSeq(key.key);
  if (key.type === "and" || key.type === "or") return key.keys.some(usesModSeq);
  return key.type === "modSeq";
}
