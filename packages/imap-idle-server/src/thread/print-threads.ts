// Threads as THREAD tells them (RFC 5256 4 thread-list): a message, its only answer, and so on; several answers are lists of
// their own. No recursion: a thread may be as deep as the mailbox is long.
import type { Forest } from "./forest.ts";

const END = ")";

/** The threads in pieces; `numberOf` gives the number that stands for a node which is a message. */
export function* printThreads(forest: Forest, numberOf: (node: number) => number): Generator<string> {
  for (const root of forest.roots) {
    const open: (number | typeof END)[] = [root];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === END) {
        yield END;
        continue;
      }
      yield "(";
      let node = next;
      let children = forest.childrenOf(node);
      for (; !forest.isDummy(node); children = forest.childrenOf(node)) {
        yield `${numberOf(node)}${children.length > 0 ? " " : ""}`;
        if (children.length !== 1) break;
        node = children[0] as number;
      }
      open.push(END, ...children.toReversed());
    }
  }
}
