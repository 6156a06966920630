// What comes from mail is shown, never obeyed: control characters reach a terminal only in a visible form.

// C0 without tab and newline, DEL, C1; then what turns or hides text: bidirectional marks and overrides, line and
// paragraph separators, zero-width blanks, the byte order mark, the invisible tag block; and surrogates left alone.
// The zero-width joiners stay: scripts and emoji need them.
const unsafe: RegExp =
  // oxlint-disable-next-line no-control-regex -- control characters are the subject here
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Text of several lines with everything but newline and tab made visible. */
export function visibleText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(unsafe, picture);
}

/** One line: white space runs become one blank, the rest is made visible. */
export function visibleLine(text: string): string {
  return visibleText(text.replaceAll(/[ \t\r\n\u0085\u2028\u2029]+/g, " ")).trim();
}

/** JSON in which every character that a terminal could obey is escaped; it parses to the same value. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(unsafe, escapeUnits);
}

/** The text's first characters, with an ellipsis when there are more. */
export function clip(text: string, characters: number): string {
  const points = Array.from(text);
  return points.length <= characters ? text : `${points.slice(0, Math.max(0, characters - 1)).join("")}…`;
}

function picture(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // Unicode has pictures for C0 and DEL: U+2400 and on.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
