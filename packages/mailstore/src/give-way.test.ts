import { describe, expect, it } from "@jest/globals";
import { giveWay } from "./give-way.ts";

/** So long that it is never waited for. */
const LONG_MS = 60_000;

async function turnOfEventLoop(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** How many turns of the event loop pass while way is given to a commit that needs some, and to who waits for it. */
async function turnsBeside(committing: Promise<void> | undefined): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = async (): Promise<void> => {
    for (; !isOver; turns++) await turnOfEventLoop();
  };
  const counting = count();
  await giveWay({ committing }, LONG_MS);
  isOver = true;
  await counting;
  return turns;
}

describe("giving way", () => {
  it("takes one turn where nothing is being made durable", async () => {
    expect(await turnsBeside(undefined)).toBeLessThan(3);
  });

  it("lasts until a commit has ended, and whoever waited for that has had his turn", async () => {
    const done: string[] = [];
    const commit = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await turnOfEventLoop();
      done.push("committed");
    };
    const committing = commit();
    void committing.then(turnOfEventLoop).then(() => done.push("told"));
    expect(await turnsBeside(committing)).toBeGreaterThanOrEqual(5);
    expect(done).toEqual(["committed", "told"]);
  });

  it("comes to an end beside commits without end", async () => {
    await giveWay({ committing: new Promise(() => undefined) });
  });
});
