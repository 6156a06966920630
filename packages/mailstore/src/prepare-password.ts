// Passwords as they are hashed: what is typed in different ways, and looks the same, is the same (RFC 4013).
import type * as Saslprep from "@mongodb-js/saslprep";

/** Longer passwords are taken as they are: to normalize them takes the square of how many marks stand on one letter. */
const PREPARED_CHARS_MAX = 1_000;

/** SASLprep leaves it as it is. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/**
 * Its tables take long to load, and few need them; a server that may run out of descriptors has them loaded before:
 * an import that fails once is not tried again.
 */
export const loadSaslprep = (): Promise<typeof Saslprep> => import("@mongodb-js/saslprep");

/** One that SASLprep forbids is only normalized: it is its owner's to choose. */
export async function preparePassword(password: string): Promise<string> {
  if (password.length > PREPARED_CHARS_MAX || PRINTABLE_ASCII.test(password)) return password;
  const { saslprep } = await loadSaslprep();
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password.normalize("NFKC");
  }
}
