// How a set of numbers is told that may be very large, and whose order counts.
import type { Session } from "../command.ts";

const TEXT_AT_ONCE = 16_384;

/** Tells numbers as a set that keeps their order, in pieces, as there may be very many. */
export async function tellSet(session: Session, head: string, numbers: ArrayLike<number>): Promise<void> {
  let text = head;
  for (let at = 0; at < numbers.length;) {
    const first = numbers[at] as number;
    let last = first;
    while (numbers[++at] === last + 1) last++;
    text += first === last ? `${first}` : `${first}:${last}`;
    if (at < numbers.length) text += ",";
    if (text.length < TEXT_AT_ONCE) continue;
    await session.write(text);
    text = "";
  }
  await session.write(text);
}
