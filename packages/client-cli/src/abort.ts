// Ends that follow from other ends.
import { setMaxListeners } from "node:events";

/** A controller that is aborted with the signal, or before it; any number may listen to it. */
export function abortWith(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  if (signal.aborted) controller.abort();
  // The second signal takes the listener away once nobody needs it.
  else signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal });
  return controller;
}
