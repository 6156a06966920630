import { expect, it } from "@jest/globals";
import { EventEmitter } from "node:events";
import type { ImapFlow } from "imapflow";
import { CommandFault, exitCodes } from "./command-fault.ts";
import { follow } from "./follow.ts";
import { clientLimits } from "./limits.ts";
import { MailboxFollower } from "./mailbox-follower.ts";
import { waitInIdle } from "./wait.ts";
import { Wake } from "./wake.ts";

it("pauses longer from attempt to attempt, however long each of them takes to fail", async () => {
  const limits = { ...clientLimits, retryFirstMs: 100, retryStableMs: 1 };
  const end = new AbortController();
  const pauses: string[] = [];
  let attempts = 0;
  const connect = async (): Promise<ImapFlow> => {
    // One connection, which breaks at once; then there is none.
    const gone = { usable: false, logout: async () => undefined, close: () => undefined };
    if (attempts++ === 0) return Object.assign(new EventEmitter(), gone) as unknown as ImapFlow;
    const failsAt = performance.now() + 2 * limits.retryStableMs;
    while (performance.now() < failsAt) await new Promise((resolve) => setImmediate(resolve));
    throw new CommandFault(exitCodes.unavailable, "no answer");
  };
  await follow({
    follower: { open: async () => undefined } as unknown as MailboxFollower,
    wait: async () => undefined,
    limits,
    signal: end.signal,
    peer: "the server",
    connect,
    onCurrent: () => undefined,
    random: () => 1,
    notice: (text) => {
      const pause = /^no answer; trying again in (.*)$/.exec(text)?.[1];
      if (pause !== undefined) pauses.push(pause);
      if (pauses.length === 2) end.abort();
    },
  });
  expect(pauses).toEqual(["0.2 s", "0.4 s"]);
});

it("says once that IDLE is refused, however often it is tried", async () => {
  let tries = 0;
  let refused = 0;
  const client = { usable: true, idle: async () => ++tries === 0 } as unknown as ImapFlow;
  const wait = waitInIdle({ ...clientLimits, idleRetryMs: 0 }, () => refused++);
  for (let i = 0; i < 3; i++) await wait(client, new Wake(), new AbortController().signal);
  expect([tries, refused]).toEqual([3, 1]);
});

it("keeps no table of messages larger than its bound, whatever numbers the server tells", async () => {
  const follower = new MailboxFollower({
    mailbox: "INBOX",
    query: {},
    fromStart: false,
    limits: clientLimits,
    signal: new AbortController().signal,
    deliver: async () => undefined,
    settle: async () => undefined,
    onEvent: () => undefined,
    notice: () => undefined,
  });
  let seq = 1;
  const client = Object.assign(new EventEmitter(), {
    mailboxOpen: async () => ({ uidValidity: 1n, uidNext: 2, exists: 1 }),
    search: async () => [],
    async *fetch() {
      yield { seq, uid: seq, flags: new Set(), envelope: {} };
    },
  }) as unknown as ImapFlow;
  await follower.open(client);
  seq = 2 ** 32 - 1;
  const fault = {
    exitCode: exitCodes.failed,
    message: "INBOX holds 4294967295 messages, events are told of up to 1000000",
  };
  await expect(follower.readNew(client)).rejects.toMatchObject(fault);
  await expect(follower.open(client)).rejects.toMatchObject(fault);
});

it("takes a search that the server does not carry out for trouble that may pass", async () => {
  const follower = new MailboxFollower({
    mailbox: "INBOX",
    query: {},
    fromStart: true,
    limits: clientLimits,
    signal: new AbortController().signal,
    deliver: async () => undefined,
    settle: async () => undefined,
    notice: () => undefined,
  });
  // imapflow says no more of a NO than this.
  const client = { mailboxOpen: async () => ({ uidValidity: 1n, uidNext: 2, exists: 1 }), search: async () => false };
  await expect(follower.open(client as unknown as ImapFlow)).rejects.toMatchObject({ exitCode: exitCodes.tryLater });
});
