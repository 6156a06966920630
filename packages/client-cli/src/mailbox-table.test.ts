import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MailboxTable } from "./mailbox-table.ts";

describe("the mailbox table", () => {
  it("tells changes by UID", () => {
    const table = new MailboxTable();
    table.put(1, 10, new Set(["\\Recent"]));
    table.put(2, 20, new Set(["b", "a"]));
    table.put(3, 30, new Set());
    expect(table.changeFlags(1, new Set())).toBeUndefined();
    expect(table.changeFlags(2, new Set(["a", "b"]))).toBeUndefined();
    expect(table.expunge(1)).toEqual({ event: "expunge", uid: 10 });
    expect(table.changeFlags(1, new Set(["c"]))).toEqual({ event: "flags", uid: 20, flags: ["c"] });
    expect(table.expunge(3)).toBeUndefined();
    expect(table.changeFlags(7, new Set(["c"]))).toBeUndefined();
  });

  it("agrees with a list of messages through any series of changes", () => {
    const step = fc.record({
      what: fc.constantFrom("append" as const, "expunge" as const, "flags" as const),
      at: fc.nat(20),
      flags: fc.subarray(["a", "b", "c"]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new MailboxTable();
        const model: { uid: number; flags: string }[] = [];
        let nextUid = 1;
        for (const { what, at, flags } of steps) {
          const message = model[at];
          if (what === "append") {
            model.push({ uid: nextUid, flags: flags.join() });
            table.put(model.length, nextUid, new Set(flags));
            nextUid += 1;
          } else if (what === "expunge") {
            expect(table.expunge(at + 1)?.uid).toBe(message?.uid);
            model.splice(at, 1);
          } else {
            const changed = message !== undefined && message.flags !== flags.join();
            expect(table.changeFlags(at + 1, new Set(flags))?.uid).toBe(changed ? message.uid : undefined);
            if (message !== undefined) message.flags = flags.join();
          }
        }
        // Whoever looks only now must be told of every message there ever was.
        const all = new MailboxTable();
        for (let uid = 1; uid < nextUid; uid += 1) all.put(uid, uid, new Set(["before"]));
        const told = table.changesSince(all).map((event) => `${event.uid} ${event.event}`);
        const kept = new Set(model.map(({ uid }) => uid));
        const expected = Array.from({ length: nextUid - 1 }, (_, index) => index + 1);
        expect(told).toEqual(expected.map((uid) => `${uid} ${kept.has(uid) ? "flags" : "expunge"}`));
      }),
    );
  });
});
