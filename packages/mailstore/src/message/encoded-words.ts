// Text in ASCII as encoded-words (RFC 2047), for headers that go to who knows no other.

/** RFC 2047 2: an encoded-word has at most 75 characters; in base64 that leaves so many octets. */
const WORD_OCTETS_MAX = 45;

/** The text as one or several words with a space between two, none of which cuts a character. */
export function encodedWords(text: string): string {
  const words: string[] = [];
  let octets = 0;
  let from = 0;
  let at = 0;
  for (const char of text) {
    const length = Buffer.byteLength(char);
    if (octets + length > WORD_OCTETS_MAX) {
      words.push(text.slice(from, at));
      from = at;
      octets = 0;
    }
    octets += length;
    at += char.length;
  }
  words.push(text.slice(from));
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString("base64")}?=`).join(" ");
}
