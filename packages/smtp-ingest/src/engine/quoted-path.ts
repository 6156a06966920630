// Paths whose local part is quoted (RFC 5321 4.1.2), which smtp-server splits at blanks and at-signs. What is quoted
// without need is written without quotes, so that both forms are one address.

/** A MAIL or RCPT line with a local part that smtp-server reads in place of the quoted one, and that one. */
export interface QuotedPath {
  readonly command: string;
  readonly localPart: string;
}

/** What stands in place of the quoted local part. */
export const STAND_IN = "quoted";

const LOCAL_PART_CHARS_MAX = 64;
const COMMAND = /^([^:]*:\s*<(?:@[^\s:"]*:)?)"((?:[^"\\\p{Cc}]|\\[ -~])*)"(@[^\s@"]*>.*)$/u;
const DOT_ATOM = /^[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+)*$/u;

/** Takes the quoted local part out of a command; undefined where there is none. */
export function takeQuotedPath(command: string): QuotedPath | undefined {
  const [, before, quoted = "", behind] = COMMAND.exec(command) ?? [];
  if (before === undefined || quoted === "" || quoted.length > LOCAL_PART_CHARS_MAX) return undefined;
  const content = quoted.replaceAll(/\\(.)/g, "$1");
  const localPart = DOT_ATOM.test(content) ? content : `"${content.replaceAll(/["\\]/g, "\\$&")}"`;
  return { command: `${before}${STAND_IN}${behind}`, localPart };
}
