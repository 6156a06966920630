// Threads against a second, slower reading of RFC 5256 3 by objects and recursion, on random messages.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { TextPool } from "../arrange/text-pool.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { printThreads } from "./print-threads.ts";
import type { ThreadFacts } from "./thread-facts.ts";
import { ALGORITHMS } from "./thread-messages.ts";

interface Mail {
  readonly id: string | undefined;
  readonly references: readonly string[];
  readonly base: string;
  readonly isReply: boolean;
  readonly sentMs: number;
  readonly arrivedMs: number;
}

async function threads(algorithm: keyof typeof ALGORITHMS, mails: readonly Mail[]): Promise<string> {
  const texts = new TextPool();
  const facts: ThreadFacts = {
    uids: Uint32Array.from(mails, (_, i) => i + 1),
    links: Float64Array.from(mails, ({ id = "", references }) => texts.listOf([id, ...references])),
    lists: texts.lists,
    subjects: Float64Array.from(mails, ({ base, isReply }) => 2 * texts.numberOf(base) + (isReply ? 1 : 0)),
    idsEnd: texts.count,
    sentMs: Float64Array.from(mails, ({ sentMs }) => sentMs),
    arrivedMs: Float64Array.from(mails, ({ arrivedMs }) => arrivedMs),
  };
  const forest = await ALGORITHMS[algorithm](facts, new TimeSlice());
  return [...printThreads(forest, (node) => node + 1)].join("");
}

interface Node {
  row: number | undefined;
  parent: Node | undefined;
  children: Node[];
}

/** Steps 1 to 3 as they are written. */
function modelForest(mails: readonly Mail[]): Node[] {
  const all: Node[] = [];
  const byId = new Map<string, Node>();
  const make = (): Node => {
    const node: Node = { row: undefined, parent: undefined, children: [] };
    all.push(node);
    return node;
  };
  const named = (id: string): Node => {
    const node = byId.get(id) ?? make();
    byId.set(id, node);
    return node;
  };
  const isBelow = (node: Node | undefined, top: Node): boolean =>
    node !== undefined && (node === top || isBelow(node.parent, top));
  const link = (parent: Node, child: Node): void => {
    if (isBelow(parent, child)) return;
    child.parent = parent;
    parent.children.push(child);
  };
  for (const [row, { id, references }] of mails.entries()) {
    let own = id === undefined ? make() : named(id);
    if (own.row !== undefined) own = make();
    own.row = row;
    let last: Node | undefined;
    for (const reference of references) {
      const next = named(reference);
      if (last !== undefined && next.parent === undefined) link(last, next);
      last = next;
    }
    own.parent?.children.splice(own.parent.children.indexOf(own), 1);
    own.parent = undefined;
    if (last !== undefined) link(last, own);
  }
  const prune = (node: Node): Node[] => {
    node.children = node.children.flatMap(prune);
    return node.row === undefined ? node.children : [node];
  };
  return all
    .filter(({ parent }) => parent === undefined)
    .flatMap((root) => {
      root.children = root.children.flatMap(prune);
      return root.row === undefined && root.children.length < 2 ? root.children : [root];
    });
}

const rowOf = (node: Node): number => node.row ?? rowOf(node.children[0] as Node);

function sortTree(mails: readonly Mail[], nodes: Node[]): void {
  for (const node of nodes) sortTree(mails, node.children);
  const sent = (node: Node): number => mails[rowOf(node)]?.sentMs ?? 0;
  nodes.sort((a, b) => sent(a) - sent(b) || orderOf(a) - orderOf(b));
}

/** Roots that stand for no message come behind messages of the same date, in the order in which they were made. */
const made = new Map<Node, number>();
const orderOf = (node: Node): number => node.row ?? 1e6 + (made.get(node) ?? 0);

/** Step 5 as it is written. */
function mergeModel(mails: readonly Mail[], roots: readonly Node[]): Node[] {
  const subjectOf = (node: Node): string => mails[rowOf(node)]?.base ?? "";
  const isReply = (node: Node): boolean => node.row !== undefined && mails[node.row]?.isReply === true;
  const table = new Map<string, Node>();
  for (const node of roots) {
    const before = table.get(subjectOf(node));
    if (subjectOf(node) === "") continue;
    if (before === undefined) table.set(subjectOf(node), node);
    else if (before.row !== undefined && (node.row === undefined || (isReply(before) && !isReply(node)))) {
      table.set(subjectOf(node), node);
    }
  }
  const result = new Set(roots);
  for (const node of roots) {
    const subject = subjectOf(node);
    const target = table.get(subject);
    if (target === undefined || target === node) continue;
    result.delete(node);
    if (target.row === undefined && node.row === undefined) target.children.push(...node.children);
    else if (target.row === undefined || (isReply(node) && !isReply(target))) target.children.push(node);
    else {
      const dummy: Node = { row: undefined, parent: undefined, children: [target, node] };
      made.set(dummy, made.size);
      result.delete(target);
      result.add(dummy);
      table.set(subject, dummy);
    }
  }
  return [...result];
}

function print(node: Node): string {
  const nested = node.children.map((child) => `(${print(child)})`).join("");
  if (node.row === undefined) return nested;
  const [only] = node.children;
  const below = node.children.length === 1 && only !== undefined ? print(only) : nested;
  return `${node.row + 1}${below === "" ? "" : " "}${below}`;
}

function numberDummies(roots: readonly Node[]): void {
  made.clear();
  for (const root of roots) if (root.row === undefined) made.set(root, made.size);
}

const mails: fc.Arbitrary<Mail[]> = fc.array(
  fc.record({
    id: fc.option(fc.constantFrom(..."abcdefghij".split("")), { nil: undefined, freq: 8 }),
    references: fc.array(fc.constantFrom(..."abcdefghijkl".split("")), { maxLength: 4 }),
    base: fc.constantFrom("", "S", "T", "U"),
    isReply: fc.boolean(),
    sentMs: fc.nat(20),
    arrivedMs: fc.nat(20),
  }),
  { maxLength: 12 },
);

describe("THREAD", () => {
  it("links by references and merges by subject as RFC 5256 3 says", async () => {
    await fc.assert(
      fc.asyncProperty(mails, async (all) => {
        const linked = modelForest(all);
        numberDummies(linked);
        sortTree(all, linked);
        const merged = mergeModel(all, linked);
        sortTree(all, merged);
        expect(await threads("REFERENCES", all)).toBe(merged.map((root) => `(${print(root)})`).join(""));
      }),
      { numRuns: 500 },
    );
  });

  it("puts a thread where its newest message is, by REFS", async () => {
    await fc.assert(
      fc.asyncProperty(mails, async (all) => {
        const linked = modelForest(all);
        numberDummies(linked);
        sortTree(all, linked);
        const newest = (node: Node): number =>
          Math.max(node.row === undefined ? -1 : (all[node.row]?.arrivedMs ?? 0), ...node.children.map(newest));
        linked.sort((a, b) => newest(a) - newest(b) || orderOf(a) - orderOf(b));
        expect(await threads("REFS", all)).toBe(linked.map((root) => `(${print(root)})`).join(""));
      }),
      { numRuns: 500 },
    );
  });

  it("takes one thread for one subject, by ORDEREDSUBJECT", async () => {
    await fc.assert(
      fc.asyncProperty(mails, async (all) => {
        const rows = [...all.keys()].sort((a, b) => (all[a]?.sentMs ?? 0) - (all[b]?.sentMs ?? 0) || a - b);
        const groups = new Map<string, number[]>();
        for (const row of rows) {
          const base = all[row]?.base ?? "";
          groups.set(base, [...(groups.get(base) ?? []), row]);
        }
        const lists = Array.from(groups.values(), ([first = 0, ...rest]) => {
          const one = rest.length === 1 ? ` ${(rest[0] as number) + 1}` : "";
          const many = rest.length > 1 ? ` ${rest.map((row) => `(${row + 1})`).join("")}` : "";
          return `(${first + 1}${one}${many})`;
        });
        expect(await threads("ORDEREDSUBJECT", all)).toBe(lists.join(""));
      }),
      { numRuns: 200 },
    );
  });

  it("goes as deep as the mailbox is long", async () => {
    const chain = Array.from({ length: 50_000 }, (_, i): Mail => {
      const references = i === 0 ? [] : [`${i - 1}`];
      return { id: `${i}`, references, base: "S", isReply: i > 0, sentMs: i, arrivedMs: i };
    });
    const text = `(${chain.map((_, i) => i + 1).join(" ")})`;
    expect(await threads("REFERENCES", chain)).toBe(text);
    expect(await threads("REFS", chain)).toBe(text);
  });
});
