// All repeats of a scenario, each against every peer in turn. One that fails is noted, and the rest goes on.
import { setTimeout } from "node:timers/promises";
import { busySeconds, clientSeconds, probeDisk } from "./machine.ts";
import type { PeerName } from "./peer.ts";
import { ProcessTree } from "./peers/process-tree.ts";
import { peers } from "./peers/table.ts";
import type { Measured } from "./result.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "./scenario.ts";

/** One repeat that takes longer has failed. */
const RUN_MOST_MS = 60 * 60_000;

export interface Course {
  readonly against: readonly PeerName[];
  readonly repeats: number;
  readonly scale: number;
}

/** Tells each run as it ends. */
export async function* runScenario(scenario: Scenario, course: Course): AsyncGenerator<Measured> {
  const others = scenario.against.filter((name) => name === "bare" || course.against.includes(name));
  const names: PeerName[] = ["pushmail", ...others];
  const repeats = Math.min(course.repeats, scenario.repeatsMax ?? Infinity);
  for (let number = 0; number < repeats; number++) {
    // Who comes first changes: what others do to the machine meets each of them.
    const shift = number % names.length;
    for (const name of [...names.slice(shift), ...names.slice(0, shift)]) {
      yield await runOnce(scenario, name, { number, scale: course.scale });
    }
  }
}

async function runOnce(scenario: Scenario, name: PeerName, repeat: Repeat): Promise<Measured> {
  const disk = probeDisk();
  const before = { busy: busySeconds(), client: clientSeconds(), wall: performance.now() };
  const meter = new ServerMeter(name);
  const ended = new AbortController();
  const late = setTimeout(RUN_MOST_MS, null, { signal: ended.signal }).then(() => {
    throw new Error(`not over after ${RUN_MOST_MS / 1000} s`);
  });
  late.catch(() => undefined);
  let figures: readonly Figure[] = [];
  let failed: string | undefined;
  try {
    figures = await Promise.race([scenario.run((options) => meter.start(options), repeat), late]);
  } catch (error) {
    failed = (error as Error).message;
    console.error(error);
  } finally {
    ended.abort();
    ProcessTree.killAll();
  }
  const client = clientSeconds() - before.client;
  const others = Math.max(0, busySeconds() - before.busy - client - meter.cpuSeconds);
  return {
    peer: name,
    repeat: repeat.number,
    figures,
    ...(failed === undefined ? {} : { failed }),
    wallSeconds: (performance.now() - before.wall) / 1000,
    cpuSeconds: { server: meter.cpuSeconds, client, others },
    disk,
  };
}

/** Counts what the servers of a run take, from their start to their end. */
class ServerMeter {
  cpuSeconds = 0;
  readonly #name: PeerName;

  constructor(name: PeerName) {
    this.#name = name;
  }

  readonly start: StartPeer = async (options) => {
    const peer = await peers[this.#name](options);
    const count = async (): Promise<void> => {
      this.cpuSeconds += (await peer.usage()).cpuSeconds;
    };
    return {
      ...peer,
      async restart(how) {
        await count();
        return peer.restart(how);
      },
      async end() {
        await count();
        await peer.end();
      },
    };
  };
}
