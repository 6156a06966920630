// Passwords as they are hashed: what is typed in different ways, and looks the same, is the same (RFC 4013).

/** Longer passwords are taken as they are: to normalize them takes the square of how many marks stand on one letter. */
const PREPARED_CHARS_MAX = 1_000;

/** SASLprep leaves it as it is. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** One that SASLprep forbids is only normalized: it is its owner's to choose. */
export async function preparePassword(password: string): Promise<string> {
  if (password.length > PREPARED_CHARS_MAX || PRINTABLE_ASCII.test(password)) return password;
  // Its tables take long to load, and few need them.
  const { saslprep } = await import("@mongodb-js/saslprep");
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password.normalize("NFKC");
  }
}
