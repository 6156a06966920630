// A server in memory starts inside tests of others: it loads nothing that it has no use for, and that in few modules.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "@jest/globals";

const START = `
const { startPushmail } = await import("pushmail");
const server = await startPushmail({ users: { "ann@example.org": "secret" } });
await server.close();
`;

/** The files that it loads, as V8's coverage tells them. */
function filesLoaded(): string[] {
  const directory = mkdtempSync(join(tmpdir(), "pushmail-loaded-"));
  try {
    execFileSync(process.execPath, ["--input-type=module", "--eval", START], {
      cwd: fileURLToPath(new URL("../packages/pushmail", import.meta.url)),
      env: { ...process.env, NODE_V8_COVERAGE: directory },
    });
    const reports = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
    const scripts = reports.flatMap((report) => (JSON.parse(report) as { result: { url: string }[] }).result);
    return scripts.map(({ url }) => url).filter((url) => url.startsWith("file:"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

it("a server in memory with plain passwords loads a few modules, none of LevelDB or of the tables of SASLprep", () => {
  const files = filesLoaded();
  // What it does have use for is among them.
  expect(files.some((file) => file.includes("/memory-level/"))).toBe(true);
  expect(files.filter((file) => /\/(classic-level|saslprep)\//.test(file))).toEqual([]);
  const own = files.filter((file) => file.includes("/packages/"));
  expect(own.filter((file) => file.includes("/imap-idle-server/"))).toHaveLength(1);
  // Of eight packages: each has one, and pushmail and mailstore what their entries share.
  expect(own.length).toBeLessThan(16);
});
