import { describe, expect, it } from "@jest/globals";
import { giveWay } from "./give-way.ts";

/** How many turns of the event loop pass while way is given to a commit that needs some. */
async function turnsBeside(commit: { readonly turns: number }): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = async (): Promise<void> => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  const counting = count();
  const driver = {
    get isCommitting(): boolean {
      return turns < commit.turns;
    },
  };
  await giveWay(driver, Infinity);
  isOver = true;
  await counting;
  return turns;
}

describe("giving way", () => {
  it("takes one turn where nothing is being made durable, and as many as a commit needs", async () => {
    expect(await turnsBeside({ turns: 0 })).toBeLessThan(3);
    expect(await turnsBeside({ turns: 5 })).toBeGreaterThanOrEqual(5);
  });

  it("comes to an end beside commits without end", async () => {
    await giveWay({ isCommitting: true });
  });
});
