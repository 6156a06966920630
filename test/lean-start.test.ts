// A server in memory starts inside tests of others: it loads nothing that it has no use for.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "@jest/globals";

const START = `
import { createRequire } from "node:module";
const { startPushmail } = await import("pushmail");
const server = await startPushmail({ users: { "ann@example.org": "secret" } });
console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
await server.close();
`;

it("a server in memory with plain passwords loads neither LevelDB nor the tables of SASLprep", () => {
  const cwd = fileURLToPath(new URL("../packages/pushmail", import.meta.url));
  const args = ["--input-type=module", "--eval", START];
  const loaded = JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: "utf8" })) as string[];
  // What it does have use for is among them.
  expect(loaded.some((file) => file.includes("/memory-level/"))).toBe(true);
  expect(loaded.filter((file) => /\/(classic-level|saslprep)\//.test(file))).toEqual([]);
});
