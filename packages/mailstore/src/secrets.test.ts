// Passwords: what a guesser can see of the checks, and what is no wrong password.
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_SCRYPT_COST } from "./scrypt-text.ts";
import { Secrets } from "./secrets.ts";

const LIMITS = { passwordChecksAtOnce: 1, passwordChecksQueuedMax: 10, verifiedPasswordsMax: 10 };

it.each([
  { N: 2, r: 1, p: 1 },
  { N: 2, r: 8, p: 5 },
  { N: 16, r: 1, p: 100 },
])("hash and check cost %j where that is asked for", async (cost) => {
  const secrets = new Secrets(cost, LIMITS);
  const stored = await secrets.hash("right");
  expect(await secrets.verify(stored, { address: "alice", password: "right" })).toBe(true);
});

describe("a check", () => {
  it("is shared by those who ask the same of one name, and by no others, whether or not they exist", async () => {
    const secrets = new Secrets({ ...DEFAULT_SCRYPT_COST, p: 1 }, LIMITS);
    const stored = await secrets.hash("right");
    for (const secret of [stored, undefined]) {
      const ended: string[] = [];
      const ask = (name: string): Promise<unknown> =>
        secrets.verify(secret, { address: name, password: "wrong" }).then((right) => ended.push(`${name} ${right}`));
      const first = Promise.all([ask("alice"), ask("alice")]);
      const other = ask("bob");
      await first;
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      expect(ended).toEqual(["alice false", "alice false"]);
      await other;
      expect(ended).toEqual(["alice false", "alice false", "bob false"]);
    }
  });

  it("is refused at once where too many wait already, whoever asks; what was right before is not checked again", async () => {
    const secrets = new Secrets(
      { N: 16, r: 1, p: 1 },
      { ...LIMITS, passwordChecksAtOnce: 2, passwordChecksQueuedMax: 3 },
    );
    const stored = await secrets.hash("right");
    const owner = { address: "alice", password: "right" };
    expect(await secrets.verify(stored, owner)).toBe(true);
    const asked = Array.from({ length: 20 }, (_, i) =>
      secrets.verify(i % 2 === 0 ? stored : undefined, { address: "alice", password: `guess ${i}` }),
    );
    expect(await secrets.verify(stored, owner)).toBe(true);
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.slice(0, 5)).toEqual(outcomes.slice(0, 5).map(() => ({ status: "fulfilled", value: false })));
    const refused = { status: "rejected", reason: expect.objectContaining({ code: "tooManyLogins" }) };
    expect(outcomes.slice(5)).toEqual(outcomes.slice(5).map(() => refused));
    expect(await secrets.verify(undefined, { address: "bob", password: "later" })).toBe(false);
  });

  it("is not begun any more once the store closes, nor is a new hash", async () => {
    const closing = new AbortController();
    const secrets = new Secrets({ N: 16, r: 1, p: 1 }, LIMITS, closing.signal);
    const stored = await secrets.hash("right");
    const asked = ["right", "wrong"].map((password) => secrets.verify(stored, { address: "alice", password }));
    const outcomes = Promise.allSettled([...asked, secrets.hash("new")]);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    closing.abort();
    const refused = { status: "rejected", reason: expect.objectContaining({ code: "shuttingDown" }) };
    expect(await outcomes).toEqual([{ status: "fulfilled", value: true }, refused, refused]);
  });

  it("is not made again of the passwords that were right last, but of those that were wrong", async () => {
    const limits = { ...LIMITS, verifiedPasswordsMax: 2 };
    const secrets = new Secrets({ N: 16, r: 1, p: 1 }, limits);
    const stored = await secrets.hash("right");
    const ask = (address: string): Promise<boolean> => secrets.verify(stored, { address, password: "right" });
    for (const address of ["alice", "bob", "alice", "carol"]) expect(await ask(address)).toBe(true);
    const guess = (): Promise<boolean> => secrets.verify(stored, { address: "alice", password: "wrong" });
    expect(await guess()).toBe(false);
    limits.passwordChecksQueuedMax = 0;
    expect([await ask("alice"), await ask("carol")]).toEqual([true, true]);
    for (const again of [ask("bob"), guess()]) await expect(again).rejects.toMatchObject({ code: "tooManyLogins" });
  });

  it("costs what it is to cost, and goes by what it cost to make", async () => {
    const costs = [
      { N: 16, r: 1, p: 1 },
      { N: 32, r: 2, p: 3 },
    ] as const;
    const stored: string[] = [];
    for (const cost of costs) stored.push(await new Secrets(cost, LIMITS).hash("right"));
    expect(stored.map((secret) => secret.split("$").slice(0, 4).join("$"))).toEqual(["scrypt$16$1$1", "scrypt$32$2$3"]);
    const asked = { address: "alice", password: "right" };
    for (const cost of costs)
      for (const secret of stored) expect(await new Secrets(cost, LIMITS).verify(secret, asked)).toBe(true);
  });

  it("fails where the stored secret is damaged", async () => {
    const secrets = new Secrets({ N: 16, r: 1, p: 1 }, LIMITS);
    for (let i = 0; i < 2; i++) {
      await expect(secrets.verify("scrypt$16", { address: "alice", password: "x" })).rejects.toThrow("damaged");
    }
  });
});
