// What is asked of a running server: that it does not compact while its files are read.
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { openMailStore, openMemoryDriver, type MailStore } from "@pushmail/mailstore";
import type { AppPasswordRequest } from "./app-passwords.ts";
import { askServer, holdCompaction, openControlSocket, type ControlSocket } from "./control-socket.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

let directory: string;
let store: MailStore;
let control: ControlSocket;
/** How many have begun, and what lets those end. */
let begun: (() => void)[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-control-"));
  const driver = await openMemoryDriver();
  begun = [];
  driver.blobs.compact = () => new Promise((resolve) => begun.push(() => resolve(7)));
  store = openMailStore(driver);
  control = (await openControlSocket(directory, { store, log }))!;
});
afterEach(async () => {
  await control.close();
  await store.close();
  await rm(directory, { recursive: true });
});

it("waits for a compaction under way", async () => {
  const first = store.compact();
  while (begun.length === 0) await new Promise(setImmediate);
  const order: string[] = [];
  const holding = store.holdCompaction().then((release) => {
    order.push("held");
    release();
  });
  await new Promise(setImmediate);
  order.push("ends");
  begun[0]!();
  await Promise.all([first, holding]);
  expect(order).toEqual(["ends", "held"]);
});

it("keeps the next from beginning until it is released", async () => {
  const release = await holdCompaction(directory);
  const next = store.compact();
  // Another connection is served meanwhile.
  const asked = askServer(directory, { address: "nobody@example.org", name: undefined, remove: false });
  await expect(asked).rejects.toThrow("there is no account");
  expect(begun.length).toBe(0);
  release();
  while (begun.length === 0) await new Promise(setImmediate);
  begun[0]!();
  expect(await next).toBe(7);
});

it("is held no longer than the connection lasts, whichever side ends it", async () => {
  await holdCompaction(directory);
  const next = store.compact();
  await control.close();
  while (begun.length === 0) await new Promise(setImmediate);
  // Nobody waits for a server that is gone, or goes.
  await holdCompaction(directory);
  control = (await openControlSocket(directory, { store, log }))!;
  const holding = holdCompaction(directory);
  await control.close();
  await holding;
  control = (await openControlSocket(directory, { store, log }))!;
  begun[0]!();
  expect(await next).toBe(7);
});

it("waits for an answer for longer than for a question", async () => {
  await control.close();
  control = (await openControlSocket(directory, { store, log, silenceMs: 50 }))!;
  let find: (account: undefined) => void = () => undefined;
  const finding = new Promise<undefined>((resolve) => (find = resolve));
  jest.spyOn(store, "findAccount").mockReturnValue(finding);
  const asked = askServer(directory, { address: "nobody@example.org", name: undefined, remove: false });
  const refused = expect(asked).rejects.toThrow("there is no account");
  // Who comes later and asks nothing is out of time twice over.
  for (let i = 0; i < 2; i++) await once(connect(join(directory, "control.sock")).resume(), "close");
  find(undefined);
  await refused;
});

it("is the owner's alone", async () => {
  expect((await stat(join(directory, "control.sock"))).mode & 0o777).toBe(0o600);
});

it("is asked no more than a line", async () => {
  const socket = connect(join(directory, "control.sock"));
  socket.write("x".repeat(5_000));
  let answer = "";
  for await (const piece of socket) answer += String(piece);
  expect(answer).toMatch(/^{"error":"the other side did not say anything that makes sense"}\n$/);
});

it.each([
  [{}],
  [null],
  [{ hold: "everything" }],
  [{ address: 5, remove: false }],
  [{ address: "a@b.c", name: 5, remove: true }],
  [{ address: "a@b.c", remove: "no" }],
])("refuses what it does not know: %j", async (request) => {
  const asked = askServer(directory, request as unknown as AppPasswordRequest);
  await expect(asked).rejects.toThrow("that cannot be asked for here");
});
