// The grams of a text are its sequences of three and of four code units; each is known by a hash of 32 bits.

/** The length of the shortest text that has a gram. */
export const GRAM_LENGTH = 3;

/** The part of a hash that the first three code units make. */
export function hashThree(first: number, second: number, third: number): number {
  return Math.imul(first, 0x9e3779b1) ^ (Math.imul(second, 0x7f4a7c15) + Math.imul(third, 0x27d4eb2f));
}

/** The gram of three, or with a fourth code unit behind them that of four. */
export function finishHash(three: number, fourth = 0): number {
  let hash = three ^ Math.imul(fourth, 0x165667b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
