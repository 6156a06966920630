// Paths whose local part is quoted (RFC 5321 4.1.2), which smtp-server splits at blanks and at-signs, or would have to be
// for its dots, which smtp-server refuses. It is quoted where that is needed, so that all forms are one address.

/** A MAIL or RCPT line with a local part that smtp-server reads in place of the quoted one, and that one. */
export interface QuotedPath {
  readonly command: string;
  readonly localPart: string;
}

/** What stands in place of the quoted local part. */
export const STAND_IN = "quoted";

const LOCAL_PART_CHARS_MAX = 64;
const ATEXT = "[\\w!#$%&'*+/=?^`{|}~\\u0080-\\u{10ffff}-]";
const BEFORE = '([^:]*:\\s*<(?:@[^\\s:"]*:)?)';
const BEHIND = '(@[^\\s@"]*>[^]*)';
const QUOTED = new RegExp(`^${BEFORE}"((?:[^"\\\\\\p{Cc}]|\\\\[ -~])*)"${BEHIND}$`, "u");
const DOTTED = new RegExp(`^${BEFORE}((?:${ATEXT}|\\.)+)${BEHIND}$`, "u");
const DOT_ATOM = new RegExp(`^${ATEXT}+(?:\\.${ATEXT}+)*$`, "u");

/** Takes the quoted local part out of a command; undefined where there is none. */
export function takeQuotedPath(command: string): QuotedPath | undefined {
  const [, before = "", quoted = "", behind = ""] = QUOTED.exec(command) ?? [];
  return standIn(before, quoted.replaceAll(/\\(.)/g, "$1"), behind);
}

/** The same of a local part that has dots where the grammar has none: `a..b@example.org`. */
export function takeDottedPath(command: string): QuotedPath | undefined {
  const [, before = "", dotted = "", behind = ""] = DOTTED.exec(command) ?? [];
  return DOT_ATOM.test(dotted) ? undefined : standIn(before, dotted, behind);
}

function standIn(before: string, content: string, behind: string): QuotedPath | undefined {
  if (content === "" || content.length > LOCAL_PART_CHARS_MAX) return undefined;
  const localPart = DOT_ATOM.test(content) ? content : `"${content.replaceAll(/["\\]/g, "\\$&")}"`;
  return { command: `${before}${STAND_IN}${behind}`, localPart };
}
