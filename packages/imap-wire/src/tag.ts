// RFC 9051 9: tag = 1*<any ASTRING-CHAR except "+">

const TAG = /^[^\x00-\x20(){%*"\\+\x7f-\xff]+(?= |$)/;

/** The tag that a line begins with, to answer it even where the rest is wrong; null where it has none. */
export function tagOf(text: string): string | null {
  return TAG.exec(text)?.[0] ?? null;
}
