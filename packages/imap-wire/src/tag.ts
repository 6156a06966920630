import { isOf, TAG_CHAR } from "./char-class.ts";

/** The tag that a line begins with, to answer it even where the rest is wrong; null where it has none. */
export function tagOf(text: string): string | null {
  let end = 0;
  while (isOf(text.charCodeAt(end), TAG_CHAR)) end++;
  const ended = end === text.length || text.charAt(end) === " ";
  return end > 0 && ended ? text.slice(0, end) : null;
}
