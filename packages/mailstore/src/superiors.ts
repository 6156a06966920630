// The names of mailboxes are of levels: what lies above a name.

export const SEPARATOR = "/";

/** The levels above a name, the lowest first. */
export function* superiorsOf(name: string): Generator<string> {
  for (let end = name.lastIndexOf(SEPARATOR); end > 0; end = name.lastIndexOf(SEPARATOR, end - 1)) {
    yield name.slice(0, end);
  }
}
