// Who answers whom, by message ids (RFC 5256 3, REFERENCES steps 1 to 3).
import { NO_TEXT } from "../arrange/text-pool.ts";
import { stepThrough } from "../fetch/step-through.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";
import { Forest } from "./forest.ts";
import { LinkedTrees } from "./linked-trees.ts";
import type { ThreadFacts } from "./thread-facts.ts";

const NOBODY = -1;

/** Message ids that were seen, each with the message that has it, if one has, and the id that it answers. */
class Containers {
  readonly rows: number[] = [];
  readonly parents: number[] = [];
  readonly #children: number[] = [];
  readonly #trees = new LinkedTrees();
  readonly #byId: Int32Array;

  constructor(idsEnd: number) {
    this.#byId = new Int32Array(idsEnd).fill(NOBODY);
  }

  /** The container of an id. */
  named(id: number): number {
    const known = this.#byId[id] as number;
    return known === NOBODY ? (this.#byId[id] = this.#add(NOBODY)) : known;
  }

  /** The container of a message: a new one where it has no id, or one that another has already. */
  take(row: number, id: number): number {
    if (id === NO_TEXT) return this.#add(row);
    const container = this.named(id);
    if (this.rows[container] !== NOBODY) return this.#add(row);
    this.rows[container] = row;
    return container;
  }

  /** Makes one the parent of the other, which has none, unless it lies below it. */
  link(parent: number, child: number): void {
    if (parent === child || (this.#children[child] !== 0 && this.#trees.rootOf(parent) === child)) return;
    this.#trees.link(parent, child);
    this.parents[child] = parent;
    (this.#children[parent] as number)++;
  }

  unlink(child: number): void {
    const parent = this.parents[child] as number;
    if (parent === NOBODY) return;
    this.#trees.cut(child);
    this.parents[child] = NOBODY;
    (this.#children[parent] as number)--;
  }

  #add(row: number): number {
    this.parents.push(NOBODY);
    this.#children.push(0);
    this.#trees.add();
    return this.rows.push(row) - 1;
  }
}

/** The threads; the order of siblings and roots is nobody's. */
export async function linkReferences(facts: ThreadFacts, slice: TimeSlice): Promise<Forest> {
  const { links, lists } = facts;
  const containers = new Containers(facts.idsEnd);
  const step = (link: number, row: number): Promise<void> | undefined => {
    let at = link;
    const end = at + 1 + (lists[at] as number);
    const container = containers.take(row, lists[++at] as number);
    let last = NOBODY;
    while (++at < end) {
      const next = containers.named(lists[at] as number);
      if (last !== NOBODY && containers.parents[next] === NOBODY) containers.link(last, next);
      last = next;
    }
    // Step 1.B: what the message itself says counts more than what others said of it; mostly it is the same.
    if (containers.parents[container] !== last) {
      containers.unlink(container);
      if (last !== NOBODY) containers.link(last, container);
    }
    return slice.restAmongMany();
  };
  await stepThrough(links, { step });
  return forestOf(containers, links.length, slice);
}

/** Step 3: what is below an id without a message goes up, to a message or beneath the topmost such id. */
async function forestOf({ rows, parents }: Containers, messages: number, slice: TimeSlice): Promise<Forest> {
  const forest = new Forest(messages);
  const roots: number[] = [];
  const orphans = new Map<number, number[]>();
  /** For a container without a message, where the next message above it is, or the topmost container. */
  const above = new Map<number, number>();
  const step = (row: number, container: number): Promise<void> | undefined => {
    if (row === NOBODY) return undefined;
    const passed: number[] = [];
    let at = parents[container] as number;
    while (at !== NOBODY && rows[at] === NOBODY && !above.has(at) && parents[at] !== NOBODY) {
      passed.push(at);
      at = parents[at] as number;
    }
    const top = above.get(at) ?? at;
    for (const one of passed) above.set(one, top);
    if (top === NOBODY) roots.push(row);
    else if (rows[top] !== NOBODY) forest.addChild(rows[top] as number, row);
    else if (orphans.has(top)) orphans.get(top)?.push(row);
    else orphans.set(top, [row]);
    return slice.restAmongMany();
  };
  await stepThrough(rows, { step });
  for (const siblings of orphans.values()) roots.push(rootOf(forest, siblings));
  forest.roots = Uint32Array.from(roots);
  return forest;
}

function rootOf(forest: Forest, siblings: readonly number[]): number {
  if (siblings.length === 1) return siblings[0] as number;
  const dummy = forest.addDummy();
  forest.setChildren(dummy, siblings);
  return dummy;
}
