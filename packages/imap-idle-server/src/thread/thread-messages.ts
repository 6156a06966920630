// The threads of messages by each of the algorithms: RFC 5256 3, and REFS as draft-ietf-morg-inthread has it.
import type { ThreadAlgorithm } from "@pushmail/imap-wire";
import type { Selected, Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { baseOf } from "../arrange/message-facts.ts";
import { sortInSlices } from "../sort/sort-in-slices.ts";
import { Forest } from "./forest.ts";
import { linkReferences } from "./link-references.ts";
import { mergeSubjects } from "./merge-subjects.ts";
import { loadThreadFacts, type ThreadFacts } from "./thread-facts.ts";

export interface Threads {
  /** In order, as are the children of each node. */
  readonly forest: Forest;
  /** The UIDs of the nodes that are messages. */
  readonly uids: Uint32Array;
}

/** Threads the messages that are still there. */
export async function threadMessages(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  algorithm: ThreadAlgorithm,
): Promise<Threads> {
  const slice = new TimeSlice(session, () => session.flush());
  const facts = await loadThreadFacts(session, state, uids, { algorithm, slice });
  return { forest: await ALGORITHMS[algorithm](facts, slice), uids: facts.uids };
}

/** From what is known of the messages to their threads. */
export const ALGORITHMS: Readonly<Record<ThreadAlgorithm, (facts: ThreadFacts, slice: TimeSlice) => Promise<Forest>>> =
  {
    ORDEREDSUBJECT: threadBySubject,
    REFERENCES: async (facts, slice) => {
      const forest = await linkReferences(facts, slice);
      // Step 4: of a root that is no message the first child tells the date.
      await sortChildren(forest, facts.sentMs, slice);
      await sortRoots(forest, facts.sentMs, slice);
      await mergeSubjects(forest, facts, slice);
      await sortChildren(forest, facts.sentMs, slice);
      await sortRoots(forest, facts.sentMs, slice);
      return forest;
    },
    REFS: async (facts, slice) => {
      const forest = await linkReferences(facts, slice);
      await sortChildren(forest, facts.sentMs, slice);
      // A thread stands where its newest message does.
      await sortRoots(forest, await newestOf(forest, facts.arrivedMs, slice), slice);
      return forest;
    },
  };

/** Messages of one base subject are answers to the oldest of them. */
async function threadBySubject({ subjects, sentMs }: ThreadFacts, slice: TimeSlice): Promise<Forest> {
  const forest = new Forest(subjects.length);
  const rows = await sorted(
    Uint32Array.from(subjects.keys()),
    byDate((row) => sentMs[row] as number),
    slice,
  );
  const firsts = new Map<number, number>();
  for (const row of rows) {
    const subject = baseOf(subjects[row] as number);
    const first = firsts.get(subject);
    if (first === undefined) firsts.set(subject, row);
    else forest.addChild(first, row);
  }
  forest.roots = Uint32Array.from(firsts.values());
  return forest;
}

async function sortChildren(forest: Forest, sentMs: Float64Array, slice: TimeSlice): Promise<void> {
  const compare = byDate((child) => sentMs[child] as number);
  for (let node = 0; node < forest.count; node++) {
    const children = forest.childrenOf(node);
    // Most answers come in the order in which they are told.
    if (isInOrder(children, compare)) continue;
    forest.setChildren(node, await sorted(Uint32Array.from(children), compare, slice));
  }
}

async function sortRoots(forest: Forest, atMs: ArrayLike<number>, slice: TimeSlice): Promise<void> {
  const compare = byDate((root) => atMs[forest.rowOf(root)] as number);
  forest.roots = await sorted(forest.roots, compare, slice);
}

type Compare = (a: number, b: number) => number;

/** Nodes by a date; where that is the same by their place in the mailbox (RFC 5256 2.2). */
function byDate(dateOf: (node: number) => number): Compare {
  return (a, b) => dateOf(a) - dateOf(b) || a - b;
}

function isInOrder(nodes: readonly number[], compare: Compare): boolean {
  for (let i = 1; i < nodes.length; i++) if (compare(nodes[i - 1] as number, nodes[i] as number) > 0) return false;
  return true;
}

function sorted(nodes: Uint32Array, compare: Compare, slice: TimeSlice): Promise<Uint32Array> {
  return sortInSlices(nodes, { compare, rest: () => slice.rest() });
}

/** For the row that stands for a root, when the newest message of its thread came. */
async function newestOf(forest: Forest, arrivedMs: Float64Array, slice: TimeSlice): Promise<readonly number[]> {
  const newest: number[] = [];
  for (const root of forest.roots) {
    const row = forest.rowOf(root);
    const nodes = [root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (!forest.isDummy(node)) newest[row] = Math.max(newest[row] ?? -Infinity, arrivedMs[node] as number);
      for (const child of forest.childrenOf(node)) nodes.push(child);
      await slice.rest();
    }
  }
  return newest;
}
