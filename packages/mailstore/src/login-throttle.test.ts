// Guessing is slowed down by network and account; whoever does not guess is not held up. Time here is a number.
import { describe, expect, it } from "@jest/globals";
import { clientNetwork } from "./client-network.ts";
import { LoginThrottle } from "./login-throttle.ts";
import type { LoginLimits } from "./limits.ts";
import { Refusal } from "./refusal.ts";

const OWNER = "alice@example.org";

/** Logins against a clock that goes on when everybody waits. */
class Guessing {
  nowMs = 1_000_000;
  /** When each wrong password was looked at, by client. */
  readonly looked: { readonly client: string; readonly atMs: number }[] = [];
  readonly throttle: LoginThrottle;
  readonly #waiting: { readonly timeMs: number; readonly resume: () => void }[] = [];

  constructor(limits: Partial<LoginLimits> = {}) {
    this.throttle = new LoginThrottle({ limits, now: () => this.nowMs });
  }

  try(client: string, account: string, password = "wrong"): Promise<boolean> {
    return this.throttle
      .run({
        client,
        account,
        pauseUntil: async (timeMs) => {
          while (this.nowMs < timeMs) await new Promise<void>((resume) => this.#waiting.push({ timeMs, resume }));
        },
        check: async () => {
          if (password !== "right") this.looked.push({ client, atMs: this.nowMs });
          await Promise.resolve();
          if (password !== "right") throw new Refusal("authenticationFailed", "wrong");
          return true;
        },
      })
      .catch((error: unknown) => {
        if (error instanceof Refusal) return false;
        throw error;
      });
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 2_000; turn++) await Promise.resolve();
      const next = Math.min(...this.#waiting.map(({ timeMs }) => timeMs));
      if (next > endMs) break;
      this.nowMs = next;
      for (const { resume } of this.#waiting.splice(0)) resume();
    }
    this.nowMs = endMs;
  }
}

describe("guessing", () => {
  it("is slowed by network and account however many connections take part, and the owner elsewhere does not wait", async () => {
    const guessing = new Guessing();
    const clients = ["127.0.0.2", "127.0.0.3", "2001:db8::1"];
    const attempts = clients.flatMap((client) => Array.from({ length: 100 }, () => guessing.try(client, OWNER)));
    await guessing.pass(0);
    const startMs = guessing.nowMs;
    expect(await guessing.try("127.0.0.4", "Alice@Example.org", "right")).toBe(true);
    expect(guessing.nowMs).toBe(startMs);
    await guessing.pass(60_000);
    for (const client of clients) {
      const atMs = guessing.looked.filter((look) => look.client === client).map((look) => look.atMs - startMs);
      // 0.25, 0.5, 1, 2, 4 and from then on 8 seconds in between.
      expect(atMs).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 15_750, 23_750, 31_750, 39_750, 47_750, 55_750]);
    }
    await guessing.pass(3_600_000);
    expect(await Promise.all(attempts)).toEqual(attempts.map(() => false));
  });

  it("gets no fresh start from another spelling of the account or another address of the same network", async () => {
    const guessing = new Guessing();
    const spellings = ["alice@example.org", "ALICE@EXAMPLE.ORG", "alice@\uff45xample.org"];
    for (const [i, account] of spellings.entries()) void guessing.try(`2001:db8:0:1::${i}`, account);
    await guessing.pass(0);
    expect(guessing.looked).toHaveLength(1);
    await guessing.pass(750);
    expect(guessing.looked).toHaveLength(3);
  });

  it("of many accounts slows its network down, but no account that is known there", async () => {
    const guessing = new Guessing({ loginFailuresPerNetworkMax: 10 });
    expect(await guessing.try("127.0.0.2", OWNER, "right")).toBe(true);
    for (let i = 0; i < 10; i++) await guessing.try("127.0.0.2", `user${i}@example.org`);
    const sprayed = Array.from({ length: 200 }, (_, i) => guessing.try("127.0.0.2", `other${i}@example.org`));
    await guessing.pass(0);
    const before = guessing.looked.length;
    await guessing.pass(80_000);
    expect(guessing.looked.length - before).toBeLessThanOrEqual(6 + 10);
    const nowMs = guessing.nowMs;
    expect(await guessing.try("127.0.0.2", OWNER, "right")).toBe(true);
    expect(await guessing.try("127.0.0.3", "carol@example.org", "right")).toBe(true);
    expect(guessing.nowMs).toBe(nowMs);
    await guessing.pass(3_600_000);
    await Promise.all(sprayed);
  });

  it("slows down who was known in a network once he fails there", async () => {
    const guessing = new Guessing({ loginFailuresPerNetworkMax: 1 });
    expect(await guessing.try("127.0.0.2", OWNER, "right")).toBe(true);
    await guessing.try("127.0.0.2", OWNER);
    await guessing.pass(250);
    await guessing.try("127.0.0.2", "carol@example.org");
    // His own wait is over, that of the network is not.
    const ended: boolean[] = [];
    void guessing.try("127.0.0.2", OWNER, "right").then((isIn) => ended.push(isIn));
    await guessing.pass(249);
    expect(ended).toEqual([]);
    await guessing.pass(1);
    expect(ended).toEqual([true]);
  });

  it("leaves no turn behind", async () => {
    const guessing = new Guessing({ loginFailuresPerNetworkMax: 1 });
    const attempts = ["a", "b", "c", "a"].map((name) => guessing.try("127.0.0.2", `${name}@example.org`));
    expect(guessing.throttle.turns).toBe(3);
    await guessing.pass(3_600_000);
    await Promise.all(attempts);
    expect(guessing.looked).toHaveLength(4);
    expect(guessing.throttle.turns).toBe(0);
  });

  it("does not end the turn of others by leaving", async () => {
    const { throttle } = new Guessing();
    const gone = throttle.run({
      client: "127.0.0.2",
      account: OWNER,
      pauseUntil: () => Promise.reject(new Error("gone")),
      check: () => Promise.resolve(true),
    });
    await expect(gone).rejects.toThrow("gone");
    const next = { client: "127.0.0.2", account: OWNER, pauseUntil: () => Promise.resolve() };
    expect(await throttle.run({ ...next, check: () => Promise.resolve("in") })).toBe("in");
  });
});

describe("what is remembered", () => {
  it("is bounded, and not washed out by names that are guessed once", async () => {
    const guessing = new Guessing({ loginMemoryMax: 20, loginFailuresPerNetworkMax: 1_000_000 });
    for (let i = 0; i < 4; i++) {
      void guessing.try("127.0.0.2", OWNER);
      await guessing.pass(10_000);
    }
    for (let i = 0; i < 100; i++) await guessing.try("127.0.0.2", `user${i}@example.org`);
    expect(guessing.throttle.remembered).toBe(20);
    guessing.looked.length = 0;
    void guessing.try("127.0.0.2", OWNER);
    void guessing.try("127.0.0.2", OWNER);
    await guessing.pass(3_900);
    expect(guessing.looked).toHaveLength(1);
  });

  it("is of those who were right the last ones, of no more than are remembered of those who failed", async () => {
    const guessing = new Guessing({ loginMemoryMax: 2, loginFailuresPerNetworkMax: 1 });
    for (const name of ["a", "b", "c"])
      expect(await guessing.try("127.0.0.2", `${name}@example.org`, "right")).toBe(true);
    for (const name of ["d", "e"]) await guessing.try("127.0.0.2", `${name}@example.org`);
    const nowMs = guessing.nowMs;
    for (const name of ["b", "c"]) expect(await guessing.try("127.0.0.2", `${name}@example.org`, "right")).toBe(true);
    expect(guessing.nowMs).toBe(nowMs);
    const waits: boolean[] = [];
    const forgotten = guessing.try("127.0.0.2", "a@example.org", "right").then((is) => waits.push(is));
    await guessing.pass(0);
    expect(waits).toEqual([]);
    await guessing.pass(10_000);
    await forgotten;
    expect(waits).toEqual([true]);
  });

  it("is the beginning of a long name, in the log too", async () => {
    const guessing = new Guessing({ loginNameCharsMax: 20 });
    const names = ["a", "b"].map((end) => `${OWNER}/${"x".repeat(2)}${end}`);
    expect(names.map((name) => guessing.throttle.logged(name))).toEqual(names.map(() => `${OWNER}/xx...`));
    expect(guessing.throttle.logged(`${OWNER}/xx`)).toBe(`${OWNER}/xx`);
    for (const name of names) void guessing.try("127.0.0.2", name);
    await guessing.pass(249);
    expect(guessing.looked).toHaveLength(1);
    await guessing.pass(1);
    expect(guessing.looked).toHaveLength(2);
  });

  it("ends with success, and after a time", async () => {
    const guessing = new Guessing({ loginMemoryMs: 60_000 });
    for (let i = 0; i < 3; i++) void guessing.try("127.0.0.2", OWNER);
    await guessing.pass(10_000);
    expect(await guessing.try("127.0.0.2", OWNER, "right")).toBe(true);
    await guessing.try("127.0.0.2", OWNER);
    expect(guessing.looked).toHaveLength(4);
    await guessing.pass(61_000);
    await guessing.try("127.0.0.2", OWNER);
    void guessing.try("127.0.0.2", OWNER);
    await guessing.pass(250);
    expect(guessing.looked).toHaveLength(6);
  });
});

it("a network is an IPv4 address or 64 bits of an IPv6 one", () => {
  expect(["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "::1"].map(clientNetwork)).toEqual([
    "192.0.2.1",
    "192.0.2.1",
    "2001:db8:0:0::/64",
    "2001:db8:1:2::/64",
    "0:0:0:0::/64",
  ]);
});
