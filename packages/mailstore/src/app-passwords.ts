// Passwords for one program each: made here, never chosen, so that each can be told apart and taken back alone.
// What is made at random needs no slow hash: nobody guesses it.
import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import { preparePassword } from "./prepare-password.ts";
import { Refusal } from "./refusal.ts";

export interface StoredAppPassword {
  readonly name: string;
  readonly createdAtMs: number;
  /** SHA-256, in base64. */
  readonly digest: string;
  readonly scram: readonly string[];
}

/** No letter or digit that looks like another: 32 of them, so each is 5 bits. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 5;
const GROUP_CHARS = 4;
const NAME_CHARS_MAX = 100;

/** 100 bits, in groups that can be typed. */
export function makeAppPassword(): string {
  const group = (): string => Array.from({ length: GROUP_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}

export function digestAppPassword(password: string): Buffer {
  return createHash("sha256").update(preparePassword(password)).digest();
}

/** Whether it is one of them; as much is done for who has none. */
export function isAppPassword(password: string, kept: readonly StoredAppPassword[] = []): boolean {
  const digest = digestAppPassword(password);
  return kept.filter((one) => timingSafeEqual(digest, Buffer.from(one.digest, "base64"))).length > 0;
}

/** Refuses a name that is none, or is taken, or is one too many. */
export function checkAppPasswordName(
  name: string,
  kept: readonly StoredAppPassword[],
  { appPasswordsMax }: { readonly appPasswordsMax: number },
): void {
  const why =
    name.trim() !== name || name === "" || name.length > NAME_CHARS_MAX || /\p{Cc}/u.test(name)
      ? "not a name for an app password"
      : kept.some((one) => one.name === name)
        ? "there is an app password of this name already"
        : kept.length >= appPasswordsMax
          ? "too many app passwords"
          : undefined;
  if (why !== undefined) throw new Refusal("appPasswordInvalid", why);
}
