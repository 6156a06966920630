// Where bounds enter: each is a whole number, at least 1 but for those for which 0 means something.

/** Node's timers take a longer time for none, its hashes take no higher cost. */
const INT32_MAX = 2 ** 31 - 1;

/** Whether a value may be the limit of a name. */
export function isLimit(name: string, value: unknown, least: number): boolean {
  if (!Number.isSafeInteger(value)) return false;
  const limit = value as number;
  return limit >= least && limit <= mostOf(name) && (!isPower(name) || (limit & (limit - 1)) === 0);
}

/** What it may be, in words. */
export function limitMustBe(name: string, least: number): string {
  const number = isPower(name) ? "a power of 2" : "a whole number";
  return mostOf(name) === INT32_MAX ? `${number} from ${least} to ${INT32_MAX}` : `${number} of at least ${least}`;
}

/** The most that the limit of a name may be. */
function mostOf(name: string): number {
  return /Ms(Max)?$|^(N|iterations)$/.test(name) ? INT32_MAX : Number.MAX_SAFE_INTEGER;
}

/** RFC 7914 2: of scrypt's costs that of memory is a power of 2. */
function isPower(name: string): boolean {
  return name === "N";
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
    else if (!isLimit(name, limit, least))
      throw new RangeError(`${place.join(".")} must be ${limitMustBe(name, least)}, not ${limit}`);
  }
}
