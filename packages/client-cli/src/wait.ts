// The two ways to wait for news: to be told (IDLE), or to ask every so often (NOOP). All else is shared.
import { setTimeout as delay } from "node:timers/promises";
import type { ImapFlow } from "imapflow";
import type { ClientLimits } from "./limits.ts";
import type { Wake } from "./wake.ts";

/** Waits on an open mailbox; news set the wake. It may return without any. */
export type Wait = (client: ImapFlow, wake: Wake, signal: AbortSignal) => Promise<void>;

/** Sits in IDLE until the server tells something (RFC 2177). Where that is refused, imapflow asks now and then instead. */
export function waitInIdle(limits: ClientLimits, onFirstRefused: () => void): Wait {
  let isRefused = false;
  return async (client, wake, signal) => {
    if (wake.pending) return;
    const startedAt = performance.now();
    const told = wake.wait().then(() => "told" as const);
    // Why it failed shows in the next command.
    const ended = await Promise.race([told, client.idle().catch(() => false)]);
    if (ended === "told" || wake.pending) return;
    if (ended === false && client.usable && !isRefused) {
      isRefused = true;
      onFirstRefused();
    }
    // It ended by itself: look, for some servers lose what comes between two IDLEs, and never do so in a tight loop.
    wake.set();
    if (performance.now() - startedAt < limits.idleRetryMs) await delay(limits.idleRetryMs, undefined, { signal });
  };
}

/** Asks at a fixed rhythm, the first time after `firstMs`. */
export function waitForInterval(intervalMs: number, firstMs: number = intervalMs): Wait {
  let nextAt: number | undefined;
  return async (client, _wake, signal) => {
    const now = performance.now();
    nextAt = nextAt === undefined ? now + firstMs : nextAt + intervalMs;
    if (nextAt <= now) nextAt = now + intervalMs;
    await delay(nextAt - now, undefined, { signal });
    await client.noop();
  };
}
