// Chance that can be repeated: a small generator from a seed, and the times between random arrivals.

/** Numbers from 0 up to 1, the same for the same seed (Mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Seconds to the next arrival of a Poisson process with so many arrivals a second on average. */
export function nextArrivalSeconds(random: () => number, ratePerSecond: number): number {
  return -Math.log(1 - random()) / ratePerSecond;
}
