// What is read of a mailbox that another client may delete at any time.
import { Refusal } from "@pushmail/mailstore";

/** What is read; undefined where the mailbox is not there. */
export async function unlessGone<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Refusal && error.code === "mailboxNotFound") return undefined;
    throw error;
  }
}
