// `pushmail app-password` on a data directory, with and without a server on it, and what a server makes of it.
import { once } from "node:events";
import { cp, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { checkStore } from "@pushmail/mailstore/maintenance";
import { appPassword } from "./app-password.ts";
import type { PushmailOptions } from "./options-given.ts";
import { startPushmail, type Pushmail } from "./start.ts";

const ADDRESS = "ann@example.org";

let root: string;
let data: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pushmail-app-password-"));
  data = join(root, "data");
  await (await serve()).close();
});

afterAll(() => rm(root, { recursive: true, force: true }));

function serve(options: PushmailOptions = {}): Promise<Pushmail> {
  const limits = { scrypt: { N: 16, r: 1, p: 1 }, scram: { iterations: 4_096 } };
  const off = { smtp: "off", submission: "off", submissions: "off", lmtp: "off", imap: "off", imaps: "off" } as const;
  return startPushmail({ ...off, data, users: { [ADDRESS]: "secret" }, limits, ...options });
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const env = { PUSHMAIL_DATA: data };
  const code = await appPassword.run(args, { stdin: process.stdin, stdout, stderr, env, signal, stdoutIsTty: false });
  const said = (stream: PassThrough): string => ((stream.read() as Buffer | null) ?? "").toString();
  return { code, stdout: said(stdout), stderr: said(stderr) };
}

async function canLogIn(password: string): Promise<boolean> {
  const server = await serve();
  try {
    return await server.store.authenticate(ADDRESS, password).then(
      () => true,
      () => false,
    );
  } finally {
    await server.close();
  }
}

it("makes one that logs in, lists it by its name, and takes it back", async () => {
  const made = await run(ADDRESS, "phone");
  expect(made).toEqual({ code: 0, stdout: expect.stringMatching(/^[a-z2-9-]{24}\n$/), stderr: "" });
  expect(await canLogIn(made.stdout.trim())).toBe(true);
  const listed = await run(ADDRESS);
  expect(listed).toEqual({ code: 0, stdout: expect.stringMatching(/^\d{4}-\S+Z {2}phone\n$/), stderr: "" });
  expect(listed.stdout).not.toContain(made.stdout.trim());
  expect(await run(ADDRESS, "phone", "--remove")).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await canLogIn(made.stdout.trim())).toBe(false);
  expect(await run(ADDRESS)).toEqual({ code: 0, stdout: "", stderr: "" });
});

it("says what is wrong", async () => {
  expect(await run(ADDRESS, "phone", "--remove")).toMatchObject({ code: 1, stderr: expect.stringContaining("phone") });
  expect(await run("nobody@example.org", "phone")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("nobody"),
  });
  expect(await run(ADDRESS, "")).toMatchObject({ code: 2, stderr: expect.stringContaining("not a name") });
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining("ADDRESS") });
  expect(await run(ADDRESS, "--remove")).toMatchObject({ code: 2, stderr: expect.stringContaining("NAME") });
  const nowhere = join(root, "nowhere");
  expect(await run(ADDRESS, "--data", nowhere)).toMatchObject({ code: 2, stderr: expect.stringContaining("no mail") });
});

it("asks the server that runs on the directory", async () => {
  const server = await serve();
  try {
    const socket = join(data, "control.sock");
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    const made = await run(ADDRESS, "tablet");
    expect(made).toEqual({ code: 0, stdout: expect.stringMatching(/^[a-z2-9-]{24}\n$/), stderr: "" });
    await server.store.authenticate(ADDRESS, made.stdout.trim());
    expect(await run(ADDRESS)).toMatchObject({ code: 0, stdout: expect.stringContaining("  tablet\n") });
    expect(await run(ADDRESS, "tablet", "--remove")).toEqual({ code: 0, stdout: "", stderr: "" });
    await expect(server.store.authenticate(ADDRESS, made.stdout.trim())).rejects.toThrow();
    expect(await run(ADDRESS, "tablet", "--remove")).toMatchObject({ code: 1 });
    expect(await run("nobody@example.org")).toEqual({
      code: 2,
      stdout: "",
      stderr: "pushmail app-password: there is no account nobody@example.org\n",
    });
    // Whatever else is said there is answered, or hung up on, and nothing comes of it.
    for (const said of ["nonsense\n", "{}\n", "null\n", "x".repeat(9_000), `${JSON.stringify({ address: 1 })}\n`, ""]) {
      expect(await sayTo(socket, said)).toMatch(/^(\{"error":.*\}\n)?$/);
    }
    const unread = connect(socket);
    await once(unread, "connect");
    const gone = once(unread, "close");
    await server.close();
    await gone;
    await expect(stat(socket)).rejects.toThrow("ENOENT");
  } finally {
    await server.close();
  }
});

it("is told by a server whose log throws, too", async () => {
  const fail = (): never => {
    throw new Error("disk full");
  };
  const server = await serve({ log: { debug: fail, info: fail, warn: fail, error: fail } });
  try {
    const made = await run(ADDRESS, "laptop");
    expect(made).toEqual({ code: 0, stdout: expect.stringMatching(/^[a-z2-9-]{24}\n$/), stderr: "" });
    expect(await run(ADDRESS, "laptop", "--remove")).toMatchObject({ code: 0 });
  } finally {
    await server.close();
  }
});

it("takes an answer of any length, in however many pieces it comes", async () => {
  const other = join(root, "other");
  await cp(data, other, { recursive: true });
  const out = "2026-11-27T04:00:00.000Z  phone\n".repeat(10_000);
  const answer = `${JSON.stringify({ code: 0, out })}\n`;
  const server = createServer((socket) => {
    socket.once("data", () => {
      socket.write(answer.slice(0, 5_000));
      setImmediate(() => socket.end(answer.slice(5_000)));
    });
  });
  await once(server.listen(join(other, "control.sock")), "listening");
  try {
    expect(await run(ADDRESS, "--data", other)).toEqual({ code: 0, stdout: out, stderr: "" });
  } finally {
    server.close();
  }
});

async function sayTo(path: string, said: string): Promise<string> {
  const socket = connect(path);
  let answer = "";
  socket.on("error", () => socket.destroy());
  socket.setEncoding("utf8").on("data", (piece: string) => (answer += piece));
  socket.end(said);
  await once(socket, "close");
  return answer;
}

it("takes the place of a socket that a killed server has left", async () => {
  await writeFile(join(data, "control.sock"), "");
  expect(await run(ADDRESS)).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await checkStore({ directory: data, onFinding: (finding) => expect(finding).toBeUndefined() })).toMatchObject({
    findings: 0,
  });
  const server = await serve();
  try {
    expect(await run(ADDRESS)).toEqual({ code: 0, stdout: "", stderr: "" });
  } finally {
    await server.close();
  }
});

it("explains itself", async () => {
  expect(await run("--help")).toEqual({ code: 0, stdout: appPassword.usage, stderr: "" });
});
