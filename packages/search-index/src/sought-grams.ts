// A text that is looked for, as the grams that a message must have to have it.
import { finishHash, GRAM_LENGTH, hashThree } from "./gram-hash.ts";
import { hasGrams } from "./gram-set.ts";

/** More tell hardly more. */
const GRAMS_MAX = 64;

export interface SoughtGrams {
  /** Where the text is looked for: in what the envelope tells of, or in all that is read of a message. */
  readonly in: "envelope" | "message";
  /** The grams of each form that the text may have there. */
  readonly forms: readonly Uint32Array[];
}

/** Undefined where a form of the text is too short to have a gram: it may be anywhere. */
export function soughtGrams(place: SoughtGrams["in"], ...forms: readonly string[]): SoughtGrams | undefined {
  if (forms.some((form) => form.length < GRAM_LENGTH)) return undefined;
  return { in: place, forms: forms.map(gramsOf) };
}

/** Whether a message with this filter may have the text. */
export function mayHave(filter: Uint8Array, { forms }: SoughtGrams): boolean {
  return forms.some((grams) => hasGrams(filter, grams));
}

/** Those of four first: they tell more. They have those of three in them, but for the last, as far as texts go. */
function gramsOf(text: string): Uint32Array {
  const threes: number[] = [];
  const fours: number[] = [];
  for (let i = 2; i < text.length && fours.length < GRAMS_MAX; i++) {
    const three = hashThree(text.charCodeAt(i - 2), text.charCodeAt(i - 1), text.charCodeAt(i));
    threes.push(finishHash(three));
    if (i + 1 < text.length) fours.push(finishHash(three, text.charCodeAt(i + 1)));
  }
  return Uint32Array.from([...fours, ...threes]);
}
