// One form for all texts that SEARCH takes for equal, whatever their case and however their accents are composed.

/** The folded text; folding it again changes nothing, and no letter is folded by its neighbours. */
export function foldForSearch(text: string): string {
  // Upper case makes one of what lower case leaves apart, such as ß and ss; ẞ has to be lowered before that.
  const lower = text.normalize("NFC").toLowerCase().toUpperCase().toLowerCase();
  // The one letter whose lower case depends on its place.
  return lower.replaceAll("ς", "σ").normalize("NFC");
}
