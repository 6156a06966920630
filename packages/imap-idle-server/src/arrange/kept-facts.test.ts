// What is kept of messages has a bound, and what was used last stays.
import { expect, it } from "@jest/globals";
import type { MailboxAt, MessageDetails } from "@pushmail/mailstore";
import { KeptFacts } from "./kept-facts.ts";
import { MailboxFacts } from "./mailbox-facts.ts";

const at = (mailbox: number): MailboxAt => ({ account: 1, mailbox }) as MailboxAt;
const range = (first: number, last: number): Uint32Array =>
  Uint32Array.from({ length: last - first + 1 }, (_, i) => first + i);

function factsOf(messages: number): MailboxFacts {
  const facts = new MailboxFacts();
  for (const uid of range(1, messages))
    facts.learn({ uid, sizeBytes: 10 * uid } as unknown as MessageDetails, ["SIZE"]);
  return facts;
}

it("keeps the mailboxes that were used last, within the bound", () => {
  const kept = new KeptFacts(factsOf(250).bytes);
  const facts = [0, 1, 2].map(() => factsOf(100));
  const isKept = (mailbox: number): boolean => kept.of(at(mailbox), 100) === facts[mailbox];
  for (const mailbox of [0, 1, 0, 2]) kept.keep(at(mailbox), facts[mailbox] as MailboxFacts);
  expect([0, 1, 2].map(isKept)).toEqual([true, false, true]);
  expect(kept.bytes).toBe(2 * factsOf(100).bytes);
  // One that is too much alone leaves the others there.
  kept.keep(at(3), factsOf(251));
  expect([0, 1, 2].map(isKept)).toEqual([true, false, true]);
  expect(kept.of(at(3), 251).messages).toBe(0);
  // One that has grown takes the room of others.
  for (const uid of range(101, 200)) facts[2]?.learn({ uid, sizeBytes: 1 } as unknown as MessageDetails, ["SIZE"]);
  kept.keep(at(2), facts[2] as MailboxFacts);
  expect([isKept(0), kept.of(at(2), 200) === facts[2]]).toEqual([false, true]);
  expect(kept.bytes).toBe(factsOf(200).bytes);
  // Of one of which nothing is known something is kept too.
  for (let mailbox = 4; mailbox < 100; mailbox++) kept.keep(at(mailbox), new MailboxFacts());
  expect(isKept(2)).toBe(false);
  expect(kept.bytes).toBeLessThanOrEqual(factsOf(250).bytes);
});

it("begins anew where most of the messages are gone", () => {
  const kept = new KeptFacts(1_000_000);
  const facts = factsOf(100);
  kept.keep(at(1), facts);
  expect(kept.of(at(1), 50)).toBe(facts);
  expect(kept.of(at(1), 49).messages).toBe(0);
});

it("tells what it lacks, whatever was learned in which order", () => {
  const facts = new MailboxFacts();
  const learn = (uid: number, name: "SIZE" | "ARRIVAL"): void =>
    facts.learn({ uid, sizeBytes: 10 * uid, internalDateMs: 100 * uid } as unknown as MessageDetails, [name]);
  for (const uid of [5, 6, 2]) learn(uid, "SIZE");
  for (const uid of [6, 3]) learn(uid, "ARRIVAL");
  expect([...facts.lacking(range(1, 6), ["SIZE"])]).toEqual([1, 3, 4]);
  expect([...facts.lacking(range(1, 6), ["ARRIVAL"])]).toEqual([1, 2, 4, 5]);
  expect([...facts.lacking(range(1, 6), ["ARRIVAL", "SIZE"])]).toEqual([1, 2, 3, 4, 5]);
  expect([...facts.valuesOf(Uint32Array.of(2, 5, 6), "SIZE")]).toEqual([20, 50, 60]);
});
