// A subject without what replies and forwards have put around it (RFC 5256 2.1). Each step goes on where the one before
// ended, so that the work is the length of the subject, whatever it is made of.

export interface BaseSubject {
  readonly base: string;
  /** Whether anything showed that the message is a reply or a forward (RFC 5256 3, REFERENCES step 5). */
  readonly isReply: boolean;
}

const TRAILER = "(fwd)";
const FORWARD = /\[fwd:/iy;
const REPLY = /(?:re|fwd?) *(?:\[[^[\]]*\] *)?:/iy;
const BLOBS = /(?:\[[^[\]]*\] *)+/y;
const BLANKS = /[ \t\r\n]+/g;

/** The text that is left: a stretch of the whole. */
interface Rest {
  start: number;
  end: number;
  isReply: boolean;
}

/** The base of a decoded subject. */
export function baseSubject(subject: string): BaseSubject {
  const text = subject.replaceAll(BLANKS, " ");
  const rest: Rest = { start: 0, end: text.length, isReply: false };
  do {
    dropTrailers(text, rest);
    dropLeaders(text, rest);
  } while (unwrap(text, rest));
  return { base: text.slice(rest.start, rest.end), isReply: rest.isReply };
}

/** RFC 5256 2.1 step 2: blanks and `(fwd)` at the end. */
function dropTrailers(text: string, rest: Rest): void {
  for (;;) {
    while (rest.end > rest.start && text[rest.end - 1] === " ") rest.end--;
    const start = rest.end - TRAILER.length;
    if (start < rest.start || text.slice(start, rest.end).toLowerCase() !== TRAILER) return;
    rest.end = start;
    rest.isReply = true;
  }
}

/** Steps 3 to 5: `re:` and `fwd:`, with what stands in brackets before them, and such brackets in front of a text. */
function dropLeaders(text: string, rest: Rest): void {
  for (;;) {
    while (rest.start < rest.end && text[rest.start] === " ") rest.start++;
    const blobs = endOf(BLOBS, text, rest.start);
    const reply = endOf(REPLY, text, blobs);
    if (reply > blobs && reply <= rest.end) {
      rest.start = reply;
      rest.isReply = true;
    } else if (blobs < rest.end) {
      rest.start = blobs;
      return;
    } else {
      // Of a text that is brackets alone the last ones stay.
      if (text[rest.end - 1] === "]") rest.start = text.lastIndexOf("[", rest.end - 1);
      return;
    }
  }
}

/** Step 6: whether it was all within `[fwd:` and `]`, and is what stands in there now. */
function unwrap(text: string, rest: Rest): boolean {
  const start = endOf(FORWARD, text, rest.start);
  if (start === rest.start || start >= rest.end || text[rest.end - 1] !== "]") return false;
  rest.start = start;
  rest.end--;
  rest.isReply = true;
  return true;
}

/** Where a pattern ends that matches at a place; the place itself where it does not. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
