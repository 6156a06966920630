// Threads that are about the same become one (RFC 5256 3, REFERENCES step 5).
import { baseOf, isOfReply } from "../arrange/message-facts.ts";
import { NO_TEXT } from "../arrange/text-pool.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";
import type { Forest } from "./forest.ts";
import type { ThreadFacts } from "./thread-facts.ts";

/** Merges roots of one base subject; they must be in the order of their dates. */
export async function mergeSubjects(forest: Forest, facts: ThreadFacts, slice: TimeSlice): Promise<void> {
  const subjectOf = (root: number): number => baseOf(facts.subjects[forest.rowOf(root)] as number);
  const isReply = (root: number): boolean => !forest.isDummy(root) && isOfReply(facts.subjects[root] as number);
  /** Step 5.B: for each subject the root that the others go to. */
  const chosen = new Map<number, number>();
  for (const root of forest.roots) {
    const subject = subjectOf(root);
    const known = chosen.get(subject);
    const isBetter =
      known === undefined || (!forest.isDummy(known) && (forest.isDummy(root) || (isReply(known) && !isReply(root))));
    if (isBetter && subject !== NO_TEXT) chosen.set(subject, root);
    const rest = slice.restAmongMany();
    if (rest !== undefined) await rest;
  }
  const roots = new Set(forest.roots);
  for (const root of forest.roots) {
    const subject = subjectOf(root);
    const known = chosen.get(subject);
    if (known === undefined || known === root) continue;
    roots.delete(root);
    if (forest.isDummy(known) && forest.isDummy(root)) {
      for (const child of forest.childrenOf(root)) forest.addChild(known, child);
    } else if (forest.isDummy(known) || (isReply(root) && !isReply(known))) {
      forest.addChild(known, root);
    } else {
      const dummy = forest.addDummy();
      forest.setChildren(dummy, [known, root]);
      roots.delete(known);
      roots.add(dummy);
      chosen.set(subject, dummy);
    }
    const rest = slice.restAmongMany();
    if (rest !== undefined) await rest;
  }
  forest.roots = Uint32Array.from(roots);
}
