// What a server in a program has begun is let go of, whatever fails.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { startPushmail } from "./start.ts";

const OFF = { smtp: "off", submission: "off", submissions: "off", lmtp: "off", imap: "off", imaps: "off" } as const;

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "pushmail-start-"));
});
afterEach(() => rm(data, { recursive: true }));

it("gives the directory up, also where the search index cannot be closed", async () => {
  const server = await startPushmail({ ...OFF, data });
  if (server.searchIndex === undefined) throw new Error("no search index");
  jest.spyOn(server.searchIndex, "close").mockRejectedValue(new Error("EIO"));
  await expect(server.close()).rejects.toThrow("EIO");
  await (await startPushmail({ ...OFF, data })).close();
});

it("ends with the block that uses it", async () => {
  {
    await using server = await startPushmail({ ...OFF, data });
    expect(await server.store.findAccount("ann@example.org")).toBeUndefined();
  }
  await (await startPushmail({ ...OFF, data })).close();
});

it("says why it cannot start, also where what had begun cannot be closed", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const told: unknown[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => told.push(fields) };
  const onStep = (step: string): void => {
    if (step === "close:begun") throw new Error("EIO");
  };
  await expect(startPushmail({ ...OFF, data, imap: port, log, onStep })).rejects.toThrow("EADDRINUSE");
  expect(told).toEqual([{ err: new Error("EIO") }]);
  taken.close();
});
