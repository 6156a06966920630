// Passwords as they are hashed: what is typed in different ways, and looks the same, is the same (RFC 4013).
import { createRequire } from "node:module";
import type * as Saslprep from "@mongodb-js/saslprep";

/** Longer passwords are taken as they are: to normalize them takes the square of how many marks stand on one letter. */
const PREPARED_CHARS_MAX = 1_000;

/** SASLprep leaves it as it is. */
const PRINTABLE_ASCII = /^[ -~]*$/;

const SASLPREP = "@mongodb-js/saslprep";
const require = createRequire(import.meta.url);
let file: string | undefined;

/** Finds it while there are descriptors: what Node could not find once, for want of them, it never finds. */
export function findSaslprep(): string | undefined {
  try {
    return (file ??= require.resolve(SASLPREP));
  } catch {
    return undefined;
  }
}

/** Its tables take long to load, and few need them. What was found can be loaded later where it could not; no import can. */
export function loadSaslprep(): typeof Saslprep {
  return require(findSaslprep() ?? SASLPREP) as typeof Saslprep;
}

/** One that SASLprep forbids is only normalized: it is its owner's to choose. */
export function preparePassword(password: string): string {
  if (password.length > PREPARED_CHARS_MAX || PRINTABLE_ASCII.test(password)) return password;
  const { saslprep } = loadSaslprep();
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password.normalize("NFKC");
  }
}
