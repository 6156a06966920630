// The wildcards of LIST: `*` is anything, `%` anything within one level of the hierarchy (RFC 9051 6.3.9).

const SEPARATOR = "/";
const INBOX = "INBOX";

/**
 * Whether a mailbox name, levels separated by `/`, matches a pattern. Of the name's prefixes it keeps the set that the
 * pattern so far matches: the cost is the length of the one times that of the other, whatever the wildcards.
 */
export function matchesListPattern(pattern: string, name: string): boolean {
  // What clients ask for nearly always.
  if (pattern === "*") return true;
  if (pattern === "%") return !name.includes(SEPARATOR);
  const reached = new Uint8Array(name.length + 1);
  reached[0] = 1;
  for (let i = 0; i < pattern.length; i++) if (!advance(reached, pattern.charAt(i), name)) return false;
  return reached[name.length] === 1;
}

/** From the prefixes that a pattern matches to those that it matches with one more character; are there any? */
function advance(reached: Uint8Array, char: string, name: string): boolean {
  const wild = char === "*" || char === "%";
  // RFC 9051 5.1: INBOX in any case, and so what is below it.
  const anyCase = name === INBOX || name.startsWith(INBOX + SEPARATOR) ? INBOX.length : 0;
  const capital = /[a-z]/.test(char) ? char.toUpperCase() : char;
  let any = 0;
  let before = 0;
  for (let length = 0; length <= name.length; length++) {
    const here = reached[length] as number;
    const last = length === 0 ? "" : name.charAt(length - 1);
    if (wild) {
      if (before === 1 && (char === "*" || last !== SEPARATOR)) reached[length] = 1;
      before = reached[length] as number;
    } else {
      reached[length] = last === (length <= anyCase ? capital : char) ? before : 0;
      before = here;
    }
    any |= reached[length] as number;
  }
  return any === 1;
}
