// The program of docs/feed.md, as it is printed there: it goes on where it was ended.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { createTransport } from "nodemailer";
import { within } from "./support/deadline.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-follow-"));
  const blocks = [...(await readFile("docs/feed.md", "utf8")).matchAll(/^```js\n(.*?)^```$/gms)];
  expect(blocks).toHaveLength(1);
  await writeFile(join(directory, "program.mjs"), blocks[0]?.[1] ?? "");
  await mkdir(join(directory, "node_modules"));
  await symlink(resolve("packages/pushmail"), join(directory, "node_modules/pushmail"));
});
afterAll(() => rm(directory, { recursive: true }));

function printed(program: ChildProcess, what: RegExp): Promise<RegExpExecArray> {
  let output = "";
  const found = new Promise<RegExpExecArray>((found, failed) => {
    program.stdout?.setEncoding("utf8").on("data", (piece: string) => {
      const match = what.exec((output += piece));
      if (match !== null) found(match);
    });
    program.once("close", (code) => failed(new Error(`ended with ${code}: ${output}`)));
  });
  return within(found, String(what));
}

it("prints each mail once, over two runs", async () => {
  for (const number of [1, 2]) {
    const program = spawn(process.execPath, ["program.mjs"], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(program, "close");
    try {
      const port = Number((await printed(program, /on port (\d+)/))[1]);
      const shown = printed(program, /^(\d+) [^]*^(mail \d)\r\n$/m);
      const smtp = createTransport({ host: "127.0.0.1", port, ignoreTLS: true });
      await smtp.sendMail({ from: "bob@example.net", to: "ann@example.org", text: `mail ${number}` });
      // What had been told before would stand in front of it.
      expect((await shown).slice(1)).toEqual([String(number), `mail ${number}`]);
    } finally {
      program.kill();
    }
    expect(await within(ended, "the end")).toEqual([0, null]);
  }
});
