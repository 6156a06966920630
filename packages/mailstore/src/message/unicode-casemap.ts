// How texts are compared, by SEARCH, SORT and THREAD alike: i;unicode-casemap (RFC 5051 2), titlecase and decomposed, so
// that neither case nor how an accent is composed makes a difference.

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
/**
 * Marks on one letter: more than the Stream-Safe Text Format (UAX #15) allows, which no language needs and whose
 * sorting takes the square of their number.
 */
const SURPLUS_MARKS = /(\p{M}{30})\p{M}+/gu;
/** Where a character is whose titlecase may be other than what upper case makes of it: several characters mostly. */
const SPECIAL = /([\u00df\u0149\u01c4-\u01cc\u01f0-\u01f3\u0390\u03b0\u0587\u1e96-\u1e9a\u1f50-\u1fff\ufb00-\ufb17])/;
/** Those that have a titlecase of their own: digraphs, and Greek letters with an iota. */
const TITLECASE: ReadonlyMap<string, string> = new Map([
  ...["Ǆǅǆ", "Ǉǈǉ", "Ǌǋǌ", "Ǳǲǳ"].flatMap((forms) => Array.from(forms, (form) => [form, forms.charAt(1)] as const)),
  ...["ᾀᾁᾂᾃᾄᾅᾆᾇ", "ᾐᾑᾒᾓᾔᾕᾖᾗ", "ᾠᾡᾢᾣᾤᾥᾦᾧ"].flatMap((forms) =>
    Array.from(forms, (form) => [form, behind(form, 8)] as const),
  ),
  ...Array.from("ᾳῃῳ", (form) => [form, behind(form, 9)] as const),
]);

/** The form in which texts are equal, or one is in the other; by their octets in UTF-8 one comes before the other. */
export function unicodeCasemap(text: string): string {
  // The same as in the general case, many times quicker.
  if (ASCII.test(text)) return text.toUpperCase();
  return titlecase(text.replaceAll(SURPLUS_MARKS, "$1")).normalize("NFKD");
}

/** The simple titlecase of each character; one that would become several stays (RFC 5051 2.a). */
function titlecase(text: string): string {
  if (!SPECIAL.test(text)) return text.toUpperCase();
  const pieces = text.split(SPECIAL);
  return pieces.map((piece, i) => (i % 2 === 0 ? piece.toUpperCase() : titlecaseOf(piece))).join("");
}

function titlecaseOf(character: string): string {
  const upper = character.toUpperCase();
  return TITLECASE.get(character) ?? (upper.length === 1 ? upper : character);
}

function behind(character: string, distance: number): string {
  return String.fromCharCode(character.charCodeAt(0) + distance);
}
