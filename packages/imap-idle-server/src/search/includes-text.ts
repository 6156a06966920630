// Whether a text is within another, in time that is the sum of their lengths whatever they are.

/** Up to this length the engine's own search is linear, and quicker than ours; beyond, it may take the product. */
const NATIVE_LENGTH_MAX = 250;

/** What `text.includes(sought)` tells. */
export function includesText(text: string, sought: string): boolean {
  if (sought.length <= NATIVE_LENGTH_MAX) return text.includes(sought);
  if (sought.length > text.length) return false;
  const shorter = prefixesWithin(sought);
  let matched = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    while (matched > 0 && code !== sought.charCodeAt(matched)) matched = shorter[matched - 1] as number;
    if (code === sought.charCodeAt(matched)) matched++;
    if (matched === sought.length) return true;
  }
  return false;
}

/** For each beginning of the text, the length of the longest shorter beginning that it ends in (Knuth-Morris-Pratt). */
function prefixesWithin(sought: string): Uint32Array {
  const shorter = new Uint32Array(sought.length);
  let matched = 0;
  for (let i = 1; i < sought.length; i++) {
    const code = sought.charCodeAt(i);
    while (matched > 0 && code !== sought.charCodeAt(matched)) matched = shorter[matched - 1] as number;
    if (code === sought.charCodeAt(matched)) matched++;
    shorter[i] = matched;
  }
  return shorter;
}
