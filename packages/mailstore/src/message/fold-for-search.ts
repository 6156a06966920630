// One form for all texts that SEARCH takes for equal, whatever their case and however their accents are composed.

const ASCII = /^[\0-\x7f]*$/;
/**
 * Marks on one letter: more than the Stream-Safe Text Format (UAX #15) allows, which no language needs and whose
 * sorting takes the square of their number.
 */
const SURPLUS_MARKS = /(\p{M}{30})\p{M}+/gu;

/** The folded text; folding it again changes nothing, and no letter is folded by its neighbours. */
export function foldForSearch(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const composed = text.replaceAll(SURPLUS_MARKS, "$1").normalize("NFC");
  // Upper case makes one of what lower case leaves apart, such as ß and ss; ẞ has to be lowered before that.
  const lower = composed.toLowerCase().toUpperCase().toLowerCase();
  // The one letter whose lower case depends on its place.
  return lower.replaceAll("ς", "σ").normalize("NFC");
}
