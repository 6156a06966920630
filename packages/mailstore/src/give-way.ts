// Between two slices of long work: everybody else has a turn, and what is being made durable goes first.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import type { StoreDriver } from "./driver.ts";

/** So long at most: where mail keeps coming, or the disk is slow, the work goes on beside it. */
const WAIT_MS_MAX = 2;

/**
 * A commit needs several turns of the event loop, and would wait for a slice of the work in each: the work rests until it
 * has ended (beside a search a mail was told in half the time). The thread sleeps meanwhile: what the commit waits for needs
 * the processor too (beside bodies that are read, one push in ten took 5 ms while it spun, 2.5 since).
 */
export async function giveWay(driver: Pick<StoreDriver, "committing">, waitMsMax: number = WAIT_MS_MAX): Promise<void> {
  await turnOfEventLoop();
  if (driver.committing === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMsMax)));
  await Promise.race([driver.committing, late]);
  clearTimeout(timer);
  // Whoever waited for the commit has his turn first.
  await turnOfEventLoop();
}
