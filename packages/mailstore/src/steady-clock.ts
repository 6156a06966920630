// The clock by which waits and bounds go. The system's clock may be set: back, and whoever waits waits for too long;
// forward, and everybody's time is over at once.

/** Milliseconds since 1970 by the system's clock when the process began, and since then by one that nobody sets. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
