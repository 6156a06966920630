import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ReadPosition } from "./read-position.ts";

describe("the read position", () => {
  it("delivers every mail once, in whatever order answers come and wherever reads break", () => {
    const read = fc.record({
      // How many mails came before the read, and how much of the answer arrived.
      arrived: fc.nat(5),
      chunk: fc.integer({ min: 1, max: 4 }),
      answered: fc.nat(8),
      keys: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
      toTheEnd: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(read, { maxLength: 20 }), (reads) => {
        let position = new ReadPosition({ uidValidity: "1", uid: 0, above: [] });
        const delivered: number[] = [];
        let newest = 0;
        const take = (uids: readonly number[], keys: readonly number[], answered: number): boolean => {
          const shuffled = uids.toSorted((a, b) => (keys[a % 40] ?? 0) - (keys[b % 40] ?? 0));
          for (const uid of shuffled.slice(0, answered)) {
            if (position.has(uid)) continue;
            delivered.push(uid);
            position.add(uid);
          }
          return answered >= uids.length;
        };
        const above = (): number[] => Array.from({ length: newest + 1 - position.next }, (_, at) => position.next + at);
        for (const { arrived, chunk, answered, keys, toTheEnd } of reads) {
          newest += arrived;
          if (toTheEnd) {
            // "n:*": the last mail is always in the answer.
            const uids = newest > 0 ? [...new Set([...above(), newest])] : [];
            if (take(uids, keys, answered)) position.complete();
          } else {
            const uids = above();
            for (let at = 0; at < uids.length; at += chunk) {
              const part = uids.slice(at, at + chunk);
              if (!take(part, keys, answered)) break;
              position.complete(part.at(-1));
            }
          }
          // A restart: all that is known went through the file.
          position = new ReadPosition(JSON.parse(JSON.stringify(position)));
        }
        if (take(above(), [], Number.POSITIVE_INFINITY)) position.complete();
        expect(delivered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: newest }, (_, at) => at + 1));
      }),
    );
  });
});
