// Runs scenarios: every repeat against all peers in turn, so that all of them meet the same machine.
import { parseArgs } from "node:util";
import type { PeerName } from "./peer.ts";
import { peers } from "./peers/table.ts";
import { scenarios } from "./scenarios/table.ts";

const { values: options } = parseArgs({
  options: {
    against: { type: "string", default: "" },
    scenario: { type: "string" },
    repeats: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
  },
});

const against = options.against.split(",").filter(Boolean) as PeerName[];
const wanted = options.scenario?.split(",");
for (const scenario of scenarios) {
  if (wanted?.includes(scenario.name) === false) continue;
  for (let number = 0; number < Number(options.repeats); number++) {
    for (const name of ["pushmail", ...against.filter((peer) => scenario.against.includes(peer))] as PeerName[]) {
      const start = peers[name];
      if (start === undefined) throw new Error(`no such peer: ${name}`);
      const figures = await scenario.run(start, { number, scale: Number(options.scale) });
      console.log(scenario.name, name, number);
      console.table(figures);
    }
  }
}
