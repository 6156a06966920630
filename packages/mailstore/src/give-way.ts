// Between two slices of long work: everybody else has a turn, and what is being made durable goes first.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import type { StoreDriver } from "./driver.ts";

/** So long at most: where mail keeps coming, or the disk is slow, the work goes on beside it. */
const WAIT_MS_MAX = 2;

/**
 * A commit needs several turns of the event loop, and would wait for a slice of the work in each: it gets them one after
 * the other (beside a search a mail was told in half the time).
 */
export async function giveWay(
  driver: Pick<StoreDriver, "isCommitting">,
  waitMsMax: number = WAIT_MS_MAX,
): Promise<void> {
  const endsAtMs = performance.now() + waitMsMax;
  do await turnOfEventLoop();
  while (driver.isCommitting && performance.now() < endsAtMs);
}
