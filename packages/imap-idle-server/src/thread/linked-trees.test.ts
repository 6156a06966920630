// Roots of trees that are linked and cut, against a walk from parent to parent.
import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { LinkedTrees } from "./linked-trees.ts";

const COUNT = 12;
const node = fc.nat({ max: COUNT - 1 });

it("knows the root of every node, whatever is linked and cut", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ node, other: node, cuts: fc.boolean() }), { maxLength: 80 }), (steps) => {
      const trees = new LinkedTrees();
      for (let i = 0; i < COUNT; i++) trees.add();
      const parents = new Map<number, number>();
      const rootOf = (of: number): number => (parents.has(of) ? rootOf(parents.get(of) as number) : of);
      for (const { node: one, other, cuts } of steps) {
        expect(trees.rootOf(other)).toBe(rootOf(other));
        if (cuts && parents.delete(one)) trees.cut(one);
        else if (!parents.has(one) && rootOf(other) !== one) {
          trees.link(other, one);
          parents.set(one, other);
        }
      }
    }),
  );
});
