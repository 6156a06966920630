// Where bounds enter: each is a whole number, at least 1 but for those for which 0 means something.

/** Node's timers take a longer time for none. */
const TIME_MS_MAX = 2 ** 31 - 1;

/** The most that the limit of a name may be. */
export function mostOf(name: string): number {
  return /Ms(Max)?$/.test(name) ? TIME_MS_MAX : Number.MAX_SAFE_INTEGER;
}

/** What it may be, in words. */
export function limitMustBe(name: string, least: number): string {
  return mostOf(name) === TIME_MS_MAX
    ? `a whole number from ${least} to ${TIME_MS_MAX}`
    : `a whole number of at least ${least}`;
}

/** The defaults with what is given in place of some; checked. */
export function limitsGiven<Limits extends object>(
  defaults: Limits,
  given: Partial<Limits> | undefined,
  zeros: readonly string[],
): Limits {
  const limits = { ...defaults, ...given };
  checkLimits(limits, zeros);
  return limits;
}

/** Throws where one of them makes no sense, with its name; `zeros` are the names of those that may be 0. */
export function checkLimits(limits: object, zeros: readonly string[], path: readonly string[] = []): void {
  for (const [name, limit] of Object.entries(limits) as [string, object | number][]) {
    const place = [...path, name];
    const least = zeros.includes(name) ? 0 : 1;
    if (typeof limit === "object") checkLimits(limit, zeros, place);
    else if (!Number.isSafeInteger(limit) || limit < least || limit > mostOf(name))
      throw new RangeError(`${place.join(".")} must be ${limitMustBe(name, least)}, not ${limit}`);
  }
}
