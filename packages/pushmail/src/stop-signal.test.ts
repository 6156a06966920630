import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { stopSignal } from "./stop-signal.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** What ends the process in the end is that nobody listens any more. */
function listeners(): number[] {
  return SIGNALS.map((signal) => process.listenerCount(signal));
}

describe("the signals that stop a command", () => {
  const before = listeners();
  afterEach(() => expect(listeners()).toEqual(before));

  it.each([
    ["the second one ends it", 1, ["SIGTERM"]],
    ["whichever it is", 1, ["SIGINT"]],
    ["the third one, where npm doubles an interrupt", 2, ["SIGINT", "SIGINT"]],
    ["the second one under npm as well, where it was no interrupt", 2, ["SIGTERM"]],
  ] as const)("%s", (_, interruptsAtOnce, signals) => {
    const stop = stopSignal(interruptsAtOnce);
    expect(stop.aborted).toBe(false);
    for (const signal of signals) {
      expect(listeners()).toEqual(before.map((count) => count + 1));
      process.emit(signal, signal);
      expect([stop.aborted, stop.reason]).toEqual([true, signals[0]]);
    }
  });

  it("end it where the second one is another than npm doubles", () => {
    const kill = jest.spyOn(process, "kill").mockReturnValue(true);
    const exit = jest.spyOn(process, "exit").mockReturnValue(undefined as never);
    const stop = stopSignal(2);
    for (const signal of SIGNALS) process.emit(signal, signal);
    expect(stop.reason).toBe("SIGINT");
    expect(kill.mock.calls).toEqual([[process.pid, "SIGTERM"]]);
    expect(exit.mock.calls).toEqual([[128 + 15]]);
    jest.restoreAllMocks();
  });
});
