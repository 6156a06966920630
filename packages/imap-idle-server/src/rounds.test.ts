import { expect, test } from "@jest/globals";
import { Rounds, type Sleeper } from "./rounds.ts";

const TICK_MS = 250;
const ROUND_MS = 20 * TICK_MS;

class Counted implements Sleeper {
  readonly ticksMs: number[] = [];

  tick(nowMs: number): void {
    this.ticksMs.push(nowMs);
  }
}

class Crowd {
  readonly all = new Set<Counted>();
  readonly rounds: Rounds<Counted>;
  nowMs = 0;

  constructor(roundMs = ROUND_MS) {
    this.rounds = new Rounds(this.all, { roundMs, nowMs: 0 });
  }

  join(): Counted {
    const one = new Counted();
    this.all.add(one);
    return one;
  }

  /** Ticks for so long. */
  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) this.rounds.tick((this.nowMs += TICK_MS));
  }

  get looks(): number {
    return [...this.all].reduce((sum, { ticksMs }) => sum + ticksMs.length, 0);
  }
}

test.each([20, 4])("a round of %i ticks looks at everybody once, in equal shares", (ticks) => {
  const crowd = new Crowd(ticks * TICK_MS);
  for (let i = 0; i < 1_000; i++) crowd.join();
  crowd.pass(TICK_MS);
  expect(crowd.looks).toBe(1_000 / ticks);
  crowd.pass((ticks - 1) * TICK_MS);
  expect([...crowd.all].every(({ ticksMs }) => ticksMs.length === 1)).toBe(true);
});

test("whose time is near is looked at by the tick that follows it", () => {
  const crowd = new Crowd();
  for (let i = 0; i < 1_000; i++) crowd.join();
  const last = crowd.join();
  crowd.rounds.add(last, 2 * TICK_MS - 1);
  crowd.pass(TICK_MS);
  expect(last.ticksMs).toEqual([]);
  crowd.pass(TICK_MS);
  expect(last.ticksMs).toEqual([2 * TICK_MS]);
});

test("who has left is not looked at, and who has come since is", () => {
  const crowd = new Crowd();
  const [left, stays] = [crowd.join(), crowd.join()];
  crowd.rounds.add(left, TICK_MS);
  crowd.all.delete(left);
  crowd.rounds.delete(left);
  const late = crowd.join();
  crowd.pass(ROUND_MS);
  expect(left.ticksMs).toEqual([]);
  expect([stays, late].every(({ ticksMs }) => ticksMs.length > 0)).toBe(true);
});

test("a clock that is set on looks at everybody, one that is set back goes on looking", () => {
  const crowd = new Crowd();
  for (let i = 0; i < 100; i++) crowd.join();
  crowd.rounds.tick(3_600_000);
  expect(crowd.looks).toBe(100);
  for (let i = 1; i <= 100; i++) crowd.rounds.tick(1_000 - i);
  expect(crowd.looks).toBe(200);
});
