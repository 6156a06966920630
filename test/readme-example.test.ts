// The README's example, as it is printed there, run by the built package.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";

async function readExample(): Promise<string> {
  const readme = await readFile("README.md", "utf8");
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)];
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[1] ?? "";
}

/** Runs a module as one that stands at the repository's root. */
async function runModule(
  source: string,
  type: "module" | "commonjs" = "module",
): Promise<{ readonly code: number; readonly output: string }> {
  const node = spawn(process.execPath, [`--input-type=${type}`, "--test-reporter=tap"], { timeout: 60_000 });
  node.stdin.end(source);
  const [output, errors, [code]] = await Promise.all([text(node.stdout), text(node.stderr), once(node, "close")]);
  return { code, output: output + errors };
}

describe("the README's example", () => {
  it("passes", async () => {
    const { code, output } = await runModule(await readExample());
    expect(output).toContain("# pass 1");
    expect(code).toBe(0);
  });

  it("notices another mail, and ends all the same", async () => {
    const example = await readExample();
    const { code, output } = await runModule(example.replace('subject: "Hello"', 'subject: "Other"'));
    expect(output).toContain("# fail 1");
    expect(code).toBe(1);
  });

  it("has a server that require loads too", async () => {
    const source = `require("pushmail").startPushmail().then((server) => server.close())`;
    expect(await runModule(source, "commonjs")).toMatchObject({ code: 0 });
  });
});
