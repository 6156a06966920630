// What the commands on a data directory say of a command line that is wrong: one line, and exit code 2.
import { Writable } from "node:stream";
import { expect, it } from "@jest/globals";
import { maintenanceCommand } from "./maintenance-command.ts";

const command = maintenanceCommand({
  name: "mend",
  summary: "mends",
  details: "It mends.",
  flags: ["json"],
  positionals: ["WHAT", "[HOW]"],
  run: () => Promise.resolve(0),
});

async function run(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  let said = "";
  const stream = new Writable({
    write(piece: Buffer, _, done) {
      said += piece.toString();
      done();
    },
  });
  const { signal } = new AbortController();
  const io = { stdout: stream, stderr: stream, stdin: process.stdin, env: {}, signal, stdoutIsTty: false };
  return { code: await command.run(args, io), said };
}

it.each([
  [["it"], "--data DIR is missing"],
  [["it", "--data"], "Option '--data <value>' argument missing"],
  [["--data", "d"], "WHAT [HOW] is expected"],
  [["a", "b", "c", "--data", "d"], "WHAT [HOW] is expected"],
  [["it", "--data", "d", "--remove"], "Unknown option '--remove'"],
])("%j", async (args, complaint) => {
  expect(await run(...args)).toEqual({ code: 2, said: `pushmail mend: ${complaint}\n` });
});

it("runs one that is right", async () => {
  expect(await run("it", "well", "--data", "d", "--json")).toEqual({ code: 0, said: "" });
});
