// Who comes with a proof of his own may say which account he means by any of its addresses.
import { normalizeAddress, type AccountInfo } from "@pushmail/mailstore";

/** Whether a name means an account; a client that gives none means whatever its proof says. */
export function isCalled({ address, aliases }: AccountInfo, name: string): boolean {
  if (name === "") return true;
  try {
    return [address, ...aliases].includes(normalizeAddress(name));
  } catch {
    return false;
  }
}
