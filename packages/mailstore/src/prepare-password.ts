// Passwords as they are hashed: what is typed in different ways, and looks the same, is the same (RFC 4013).
import { saslprep } from "@mongodb-js/saslprep";

/** Longer passwords are taken as they are: to normalize them takes the square of how many marks stand on one letter. */
const PREPARED_CHARS_MAX = 1_000;

/** One that SASLprep forbids is only normalized: it is its owner's to choose. */
export function preparePassword(password: string): string {
  if (password.length > PREPARED_CHARS_MAX) return password;
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password.normalize("NFKC");
  }
}
