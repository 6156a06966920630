// Octets that were valid, with something wrong with them.
import type { Draw } from "../support/draw.ts";

const PIECES = [
  "(",
  ")",
  '"',
  "{3+}\r\nabc",
  "\r\n",
  "\0",
  " ",
  "\\",
  "*",
  "NIL",
  "~{1+}\r\n\0",
  "4294967296",
  "\xff\xfe",
];
/** What a literal is at most said to hold: what follows it must be able to fill it. */
export const LITERAL_BYTES_MAX = 2_000;

export function mutate(text: string, draw: Draw): string {
  let mutant = text;
  for (let times = 1 + draw.below(3); times > 0; times--) mutant = mutateOnce(mutant, draw);
  return mutant.replace(/\{(\d+)/g, (head, octets: string) => {
    return Number(octets) > LITERAL_BYTES_MAX ? `{${Number(octets) % LITERAL_BYTES_MAX}` : head;
  });
}

function mutateOnce(text: string, draw: Draw): string {
  const at = draw.below(text.length);
  const to = at + 1 + draw.below(12);
  return draw.of<() => string>([
    // A bit flips.
    () => text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << draw.below(8))) + text.slice(at + 1),
    // Something is cut out, or comes twice.
    () => text.slice(0, at) + text.slice(to),
    () => text.slice(0, to) + text.slice(at),
    () => text.slice(0, at) + draw.of(PIECES) + text.slice(at),
    // A literal is longer or shorter than it says.
    () => text.replace(/\{(\d+)/, (_, octets: string) => `{${Math.max(0, Number(octets) + draw.below(60) - 30)}`),
  ])();
}
