// The two forms of RFC 5322 3.2 in which every character may stand: quoted strings and comments.

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;

/** What stood inside, and the index behind the closing mark (the end of the text where that is missing). */
export interface Enclosed {
  readonly text: string;
  readonly end: number;
}

/** The quoted string whose opening quote is at `start`, without quotes and backslashes (RFC 5322 3.2.4). */
export function readQuoted(value: string, start: number): Enclosed {
  let text = "";
  let from = start + 1;
  let at = from;
  for (; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === QUOTE) break;
    if (code !== BACKSLASH) continue;
    text += value.slice(from, at);
    // What follows a backslash is taken as it is.
    from = ++at;
  }
  return { text: text + value.slice(from, at), end: Math.min(at + 1, value.length) };
}

/** The comment whose parenthesis opens at `start`; comments inside it stay as they are (RFC 5322 3.2.2). */
export function readComment(value: string, start: number): Enclosed {
  let text = "";
  let from = start + 1;
  let at = from;
  for (let depth = 1; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === OPEN) depth++;
    else if (code === CLOSE && --depth === 0) break;
    if (code !== BACKSLASH) continue;
    text += value.slice(from, at);
    from = ++at;
  }
  return { text: text + value.slice(from, at), end: Math.min(at + 1, value.length) };
}
