// The order of texts that SORT and THREAD go by: i;unicode-casemap (RFC 5051 2), as strings that compare octet by octet.
import { utf8ToLatin1 } from "@pushmail/imap-wire";

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
/** Marks on one letter beyond what the Stream-Safe Text Format (UAX #15) allows: putting them in order takes their square. */
const SURPLUS_MARKS = /(\p{M}{30})\p{M}+/gu;
/** Digraphs, whose titlecase is neither of the other two. */
const DIGRAPHS: ReadonlyMap<string, string> = new Map(
  ["Ǆǅǆ", "Ǉǈǉ", "Ǌǋǌ", "Ǳǲǳ"].flatMap((forms) => Array.from(forms, (form) => [form, forms.charAt(1)] as const)),
);

/** The form in which texts are equal or come one before the other. */
export function unicodeCasemap(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  let titled = "";
  for (const char of text.replaceAll(SURPLUS_MARKS, "$1")) titled += titlecase(char);
  return utf8ToLatin1(titled.normalize("NFKD"));
}

/** The simple titlecase of a character; one that would become several stays (RFC 5051 2.a). */
function titlecase(char: string): string {
  const upper = char.toUpperCase();
  return DIGRAPHS.get(char) ?? (upper.length === char.length ? upper : char);
}
