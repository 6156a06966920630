// What is read of a mailbox that another client may delete at any time.
import { Refusal } from "@pushmail/mailstore";

/** What is read; undefined where the mailbox is not there. */
export async function unlessGone<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isMailboxNotFound(error)) return undefined;
    throw error;
  }
}

export function isMailboxNotFound(error: unknown): boolean {
  return error instanceof Refusal && error.code === "mailboxNotFound";
}
