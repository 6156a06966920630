// Threads as THREAD tells them (RFC 5256 4 thread-list): a message, its only answer, and so on; several answers are lists of
// their own. No recursion: a thread may be as deep as the mailbox is long.
import type { Forest } from "./forest.ts";

const END = ")";
/** Numbers by the thousand: a piece for each would cost more than to print it. */
const PIECE_LENGTH = 16_384;

/** The threads in pieces; `numberOf` gives the number that stands for a node which is a message. */
export function* printThreads(forest: Forest, numberOf: (node: number) => number): Generator<string> {
  let text = "";
  for (const root of forest.roots) {
    const open: (number | typeof END)[] = [root];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === END) {
        text += END;
        continue;
      }
      text += "(";
      let node = next;
      let children = forest.childrenOf(node);
      for (; !forest.isDummy(node); children = forest.childrenOf(node)) {
        text += numberOf(node);
        if (children.length > 0) text += " ";
        if (text.length >= PIECE_LENGTH) {
          yield text;
          text = "";
        }
        if (children.length !== 1) break;
        node = children[0] as number;
      }
      open.push(END);
      for (let i = children.length - 1; i >= 0; i--) open.push(children[i] as number);
    }
  }
  if (text !== "") yield text;
}
