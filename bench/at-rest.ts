// A server has work of its own behind what it was asked for: an index that grows, caches that are written.
import { setTimeout } from "node:timers/promises";
import type { Peer } from "./peer.ts";

/** One that took no more of so long a time is at rest. */
const REST_MS = 1_000;
const REST_CPU_SECONDS = 0.05;

/** Waits until a server has nothing to do any more; gives the CPU seconds that it took until then. */
export async function atRest(peer: Peer): Promise<number> {
  const { cpuSeconds } = await peer.usage();
  for (let before = -1, now = cpuSeconds; ; [before, now] = [now, (await peer.usage()).cpuSeconds]) {
    if (now - before <= REST_CPU_SECONDS) return now - cpuSeconds;
    await setTimeout(REST_MS);
  }
}
