// What SCRAM is told of accounts, of aliases and of nobody, over the life of a store.
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { deriveScramKey, openMailStore, openMemoryDriver, type MailStore, type StoreDriver } from "./index.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
const ALICE = "alice@example.org";

let driver: StoreDriver;
let store: MailStore;

beforeEach(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver, CHEAP);
});

afterEach(() => store.close());

it("is a key of the password, salted, for the address of the account", async () => {
  const { id } = await store.createAccount({ address: ALICE, password: "se\u00adcret\u00a0\u2168" });
  for (const hash of ["SHA-1", "SHA-256"] as const) {
    const login = await store.scramLogin("Alice@Example.ORG", hash);
    expect(login).toMatchObject({ iterations: 4_096, account: { id } });
    // RFC 4013 3
    expect(login.keys).toEqual([await deriveScramKey("secret IX", hash, login)]);
  }
});

it("has the same salt before an address has an account, with another password, and in another process", async () => {
  const salt = async (own: MailStore, address: string): Promise<string> =>
    (await own.scramLogin(address, "SHA-256")).salt.toString("hex");
  const before = await salt(store, ALICE);
  expect(await store.scramLogin(ALICE, "SHA-256")).toMatchObject({ iterations: 4_096, account: undefined });
  const { id } = await store.createAccount({ address: ALICE, password: "secret" });
  await store.updateAccount(id, { password: "other" });
  expect(await salt(store, ALICE)).toBe(before);
  expect(await salt(openMailStore(driver, CHEAP), ALICE)).toBe(before);
  expect(await salt(store, "nobody@example.org")).not.toBe(before);
  expect(await salt(store, "no address at all")).not.toBe(before);
});

it("is a new key with a new password", async () => {
  const { id } = await store.createAccount({ address: ALICE, password: "secret" });
  await store.updateAccount(id, { aliases: ["info@example.org"] });
  const login = await store.scramLogin(ALICE, "SHA-256");
  expect(login.keys).toEqual([await deriveScramKey("secret", "SHA-256", login)]);
  await store.updateAccount(id, { password: "other" });
  const { keys } = await store.scramLogin(ALICE, "SHA-256");
  expect(keys).toEqual([await deriveScramKey("other", "SHA-256", login)]);
});

it("costs as many reads whether or not an address has an account", async () => {
  await store.createAccount({ address: ALICE, password: "secret" });
  const reads = jest.spyOn(driver.directory, "get");
  const readsOf = async (address: string): Promise<number> => {
    reads.mockClear();
    await store.scramLogin(address, "SHA-256");
    return reads.mock.calls.length;
  };
  // What all salts are made of is read once.
  await readsOf(ALICE);
  expect([await readsOf(ALICE), await readsOf("nobody@example.org")]).toEqual([2, 2]);
});

it("does not say whose an alias is", async () => {
  await store.createAccount({ address: ALICE, password: "secret", aliases: ["info@example.org", "@example.com"] });
  const looked = ["info@example.org", "any@example.com"].flatMap((address) => [
    { address, hash: "SHA-1" as const },
    { address, hash: "SHA-256" as const },
  ]);
  for (const { address, hash } of looked) {
    const own = await store.scramLogin(ALICE, hash);
    const login = await store.scramLogin(address, hash);
    expect(login.account).toBeUndefined();
    expect(login.salt).not.toEqual(own.salt);
    expect(login.keys).not.toEqual(own.keys);
    expect(login.keys[0]?.storedKey).toHaveLength(own.keys[0]?.storedKey.length ?? NaN);
  }
});

it("is there after the first login with the password where the account is older than SCRAM", async () => {
  await store.createAccount({ address: ALICE, password: "secret" });
  const [[key, value] = ["", Buffer.alloc(0)]] = await collected(driver.directory.list("account/"));
  const { scram: _, ...older } = JSON.parse(Buffer.from(value).toString()) as { scram: unknown };
  await driver.directory.put([{ key, value: Buffer.from(JSON.stringify(older)) }]);
  expect(await store.scramLogin(ALICE, "SHA-256")).toMatchObject({ account: { address: ALICE } });
  await expect(store.authenticate(ALICE, "wrong")).rejects.toMatchObject({ code: "authenticationFailed" });
  expect(Buffer.from((await driver.directory.get(key)) ?? []).toString()).not.toContain("SCRAM");
  await store.authenticate(ALICE, "secret");
  const login = await store.scramLogin(ALICE, "SHA-256");
  expect(login.keys).toEqual([await deriveScramKey("secret", "SHA-256", login)]);
});

it("is kept at today's cost from the next login with the password on, and no hash is made of another", async () => {
  const { id } = await store.createAccount({ address: ALICE, password: "secret" });
  const secret = async (): Promise<string> => {
    const [[, value] = ["", Buffer.alloc(0)]] = await collected(driver.directory.list("account/"));
    return (JSON.parse(Buffer.from(value).toString()) as { secret: string }).secret;
  };
  const before = await secret();
  expect(before).toMatch(/^scrypt\$16\$1\$1\$/);
  await store.authenticate(ALICE, "secret");
  expect(await secret()).toBe(before);
  const later = openMailStore(driver, { scryptCost: { N: 32, r: 1, p: 1 }, scramIterations: 5_000 });
  await expect(later.authenticate(ALICE, "wrong")).rejects.toMatchObject({ code: "authenticationFailed" });
  await later.authenticate(ALICE, await later.addAppPassword(id, "phone"));
  expect(await secret()).toBe(before);
  await later.removeAppPassword(id, "phone");
  // Two at once: the one that is later finds it done.
  await Promise.all(["secret", "secret"].map((password) => later.authenticate(ALICE, password)));
  const after = await secret();
  expect(after).toMatch(/^scrypt\$32\$1\$1\$/);
  expect(await later.scramLogin(ALICE, "SHA-1")).toMatchObject({ iterations: 5_000 });
  await later.authenticate(ALICE, "secret");
  await expect(later.authenticate(ALICE, "wrong")).rejects.toMatchObject({ code: "authenticationFailed" });
  expect(await secret()).toBe(after);
});

it("is not the old password's again where that is changed while a login brings its cost up to date", async () => {
  const { id } = await store.createAccount({ address: ALICE, password: "secret" });
  const later = openMailStore(driver, { scryptCost: { N: 32, r: 1, p: 1 }, scramIterations: 5_000 });
  const get = driver.directory.get.bind(driver.directory);
  let asked = 0;
  Object.assign(driver.directory, {
    get: async (key: string) => {
      // At first for the login itself, then to be written anew.
      if (key.startsWith("account/") && ++asked === 2) await store.updateAccount(id, { password: "other" });
      return get(key);
    },
  });
  await later.authenticate(ALICE, "secret");
  expect(asked).toBeGreaterThan(2);
  await expect(later.authenticate(ALICE, "secret")).rejects.toMatchObject({ code: "authenticationFailed" });
  await later.authenticate(ALICE, "other");
});

it("is told again once what all salts are made of can be read", async () => {
  const get = driver.directory.get.bind(driver.directory);
  const unreadable = (key: string): ReturnType<typeof get> =>
    key.startsWith("scram/") ? Promise.reject(new Error("unreadable")) : get(key);
  Object.assign(driver.directory, { get: unreadable });
  await expect(store.scramLogin(ALICE, "SHA-256")).rejects.toThrow("unreadable");
  Object.assign(driver.directory, { get });
  expect(await store.scramLogin(ALICE, "SHA-256")).toMatchObject({ iterations: 4_096, account: undefined });
});

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
