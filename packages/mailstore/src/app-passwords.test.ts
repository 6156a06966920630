// App passwords: made, used beside the account's own password, and taken back one by one.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  deriveScramKey,
  openMailStore,
  openMemoryDriver,
  type AccountId,
  type MailStore,
  type StoreDriver,
} from "./index.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits: { appPasswordsMax: 2 } };
const ALICE = "alice@example.org";
const WRONG = { code: "authenticationFailed" };

let driver: StoreDriver;
let store: MailStore;
let alice: AccountId;

beforeEach(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver, { ...CHEAP, now: () => 1_700_000_000_000 });
  alice = (await store.createAccount({ address: ALICE, password: "secret", aliases: ["info@example.org"] })).id;
});

afterEach(() => store.close());

describe("an app password", () => {
  it("logs in beside the account's own, for the account alone, until it is taken back", async () => {
    await store.createAccount({ address: "bob@example.org", password: "secret" });
    const phone = await store.addAppPassword(alice, "phone");
    const laptop = await store.addAppPassword(alice, "laptop");
    expect(phone).toMatch(/^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){4}$/);
    expect(laptop).not.toBe(phone);
    for (const password of [phone, laptop, "secret"]) {
      expect(await store.authenticate(ALICE, password)).toMatchObject({ id: alice });
      expect(await store.authenticate("info@example.org", password)).toMatchObject({ id: alice });
    }
    await expect(store.authenticate("bob@example.org", phone)).rejects.toMatchObject(WRONG);
    expect(await store.appPasswords(alice)).toEqual(
      ["phone", "laptop"].map((name) => ({ name, createdAtMs: 1_700_000_000_000 })),
    );
    expect(await store.removeAppPassword(alice, "phone")).toBe(true);
    expect(await store.removeAppPassword(alice, "phone")).toBe(false);
    await expect(store.authenticate(ALICE, phone)).rejects.toMatchObject(WRONG);
    expect(await store.authenticate(ALICE, laptop)).toMatchObject({ id: alice });
    expect(await store.authenticate(ALICE, "secret")).toMatchObject({ id: alice });
  });

  it("proves itself by SCRAM, under the salt that the account has", async () => {
    const phone = await store.addAppPassword(alice, "phone");
    for (const hash of ["SHA-1", "SHA-256"] as const) {
      const login = await store.scramLogin(ALICE, hash);
      const keys = ["secret", phone].map((password) => deriveScramKey(password, hash, login));
      expect(login.keys).toEqual(await Promise.all(keys));
    }
    // It is not taken for the account's own password where that has no keys yet.
    await store.authenticate(ALICE, phone);
    await store.removeAppPassword(alice, "phone");
    expect((await store.scramLogin(ALICE, "SHA-256")).keys).toHaveLength(1);
  });

  it("proves itself by SCRAM also where new keys cost more from now on", async () => {
    const passwords = ["secret", await store.addAppPassword(alice, "phone")];
    const later = openMailStore(driver, { ...CHEAP, scramIterations: 5_000 });
    const expectAll = async (): Promise<void> => {
      const login = await later.scramLogin(ALICE, "SHA-256");
      const keys = passwords.map((password) => deriveScramKey(password, "SHA-256", login));
      expect(login.keys).toEqual(await Promise.all(keys));
    };
    // A client makes keys of one count of iterations: with that of the account's own the phone's would be out of reach.
    await later.authenticate(ALICE, "secret");
    await expectAll();
    passwords[0] = "other";
    await later.updateAccount(alice, { password: "other" });
    passwords.push(await later.addAppPassword(alice, "laptop"));
    await expectAll();
    for (const name of ["phone", "laptop"]) await later.removeAppPassword(alice, name);
    await later.authenticate(ALICE, "other");
    expect(await later.scramLogin(ALICE, "SHA-256")).toMatchObject({ iterations: 5_000 });
    // One that is made before its owner has logged in at all has the count of the keys that there are.
    const last = openMailStore(driver, { ...CHEAP, scramIterations: 6_000 });
    await last.addAppPassword(alice, "tablet");
    expect((await last.scramLogin(ALICE, "SHA-1")).keys).toHaveLength(2);
  });

  it("does not become the account's password where keys of that are missing", async () => {
    const phone = await store.addAppPassword(alice, "phone");
    for await (const [key, value] of driver.directory.list("account/")) {
      const { scram: _, ...older } = JSON.parse(Buffer.from(value).toString()) as { scram: unknown };
      await driver.directory.put([{ key, value: Buffer.from(JSON.stringify(older)) }]);
    }
    await store.authenticate(ALICE, phone);
    expect((await store.scramLogin(ALICE, "SHA-256")).keys).toHaveLength(1);
    await store.authenticate(ALICE, "secret");
    expect((await store.scramLogin(ALICE, "SHA-256")).keys).toHaveLength(2);
  });

  it("stays when the account's own password changes, and when the store is opened anew", async () => {
    const phone = await store.addAppPassword(alice, "phone");
    await store.updateAccount(alice, { password: "other" });
    const again = openMailStore(driver, CHEAP);
    expect(await again.authenticate(ALICE, phone)).toMatchObject({ id: alice });
    await expect(again.authenticate(ALICE, "secret")).rejects.toMatchObject(WRONG);
  });

  it("needs a name of its own, and there are only so many", async () => {
    const refused = (name: string): Promise<void> =>
      expect(store.addAppPassword(alice, name)).rejects.toMatchObject({ code: "appPasswordInvalid" });
    for (const name of ["", " phone", "pho\nne", "x".repeat(101)]) await refused(name);
    await store.addAppPassword(alice, "phone");
    await refused("phone");
    const both = await Promise.allSettled(["one", "two"].map((name) => store.addAppPassword(alice, name)));
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await refused("three");
    await expect(store.addAppPassword(77 as AccountId, "phone")).rejects.toMatchObject({ code: "accountNotFound" });
  });
});
