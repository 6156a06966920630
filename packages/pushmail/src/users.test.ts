import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, jest } from "@jest/globals";
import { DEFAULT_STORE_LIMITS, openMailStore, openMemoryDriver, Refusal } from "@pushmail/mailstore";
import { UsersNote } from "./users-note.ts";
import { provisionUsers } from "./users.ts";

const CHEAP = { N: 16, r: 1, p: 1 };

it("makes sure of more users than there may be logins that wait", async () => {
  const store = openMailStore(await openMemoryDriver(), {
    limits: { ...DEFAULT_STORE_LIMITS, passwordChecksQueuedMax: 5 },
    scryptCost: { N: 16, r: 1, p: 1 },
    scramIterations: 4_096,
  });
  const users = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`user${i}@example.org`, `secret ${i}`]));
  await provisionUsers(store, users);
  await provisionUsers(store, { ...users, "user7@example.org": "another" });
  expect((await store.authenticate("user19@example.org", "secret 19")).address).toBe("user19@example.org");
  expect((await store.authenticate("user7@example.org", "another")).address).toBe("user7@example.org");
  await store.close();
});

it("does not repeat a password that was given in place of a file's name", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: CHEAP, scramIterations: 4_096 });
  const given = provisionUsers(store, "ann@example.org:hunter2");
  await expect(given).rejects.toThrow(/^users: the name of a file is expected, or an object of passwords by address$/);
  await expect(given).rejects.not.toHaveProperty("cause");
  await expect(provisionUsers(store, "/nowhere/users")).rejects.toThrow("ENOENT");
  await store.close();
});

it("leaves alone who is as he should be, however his aliases are written", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  const aliases = ["Sales@xn--BCHER-kva.example", "@Example.net", "ann@example.org", "sales@bücher.example"];
  const users = { "Ann@example.org": { password: "secret", aliases } };
  await provisionUsers(store, users);
  const updated = jest.spyOn(store, "updateAccount");
  await provisionUsers(store, users);
  expect(updated).not.toHaveBeenCalled();
  expect(await store.findAccount("sales@bücher.example")).toMatchObject({ address: "ann@example.org" });
  await store.close();
});

it("checks no password of users who are as they were noted, and each where one of them is not", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: CHEAP, scramIterations: 4_096 });
  const directory = await mkdtemp(join(tmpdir(), "pushmail-users-"));
  const authenticate = jest.spyOn(store, "authenticate");
  const updated = jest.spyOn(store, "updateAccount");
  const names = ["ann", "ben", "cleo", "dora"].map((name) => `${name}@example.org`);
  const users: Record<string, string> = Object.fromEntries(names.map((name) => [name, `secret of ${name}`]));
  const start = async (): Promise<[checked: number, updated: number]> => {
    authenticate.mockClear();
    updated.mockClear();
    await provisionUsers(store, users, new UsersNote(directory, CHEAP));
    return [authenticate.mock.calls.length, updated.mock.calls.length];
  };
  try {
    expect(await start()).toEqual([0, 0]);
    expect(await start()).toEqual([0, 0]);
    // Another one in the store, or here, or none that the note could tell of.
    await store.updateAccount((await store.findOwner("ben@example.org"))?.id as never, { password: "another" });
    expect(await start()).toEqual([4, 1]);
    expect(await start()).toEqual([0, 0]);
    users["cleo@example.org"] = "new";
    expect(await start()).toEqual([4, 1]);
    expect(await start()).toEqual([0, 0]);
    await writeFile(join(directory, "users-note"), "scrypt$");
    expect(await start()).toEqual([4, 0]);
    expect(await start()).toEqual([0, 0]);
    // What costs nothing is looked at each time.
    await store.updateAccount((await store.findOwner("dora@example.org"))?.id as never, { quotaBytesMax: 5 });
    const dora = { password: users["dora@example.org"] as string, quotaBytesMax: 9 };
    await provisionUsers(store, { ...users, "dora@example.org": dora }, new UsersNote(directory, CHEAP));
    expect(await store.quota((await store.findOwner("dora@example.org"))?.id as never)).toMatchObject({ bytesMax: 9 });
    expect((await stat(join(directory, "users-note"))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(directory, { recursive: true });
    await store.close();
  }
});

it("reads a file with a byte order mark, as some editors write it", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  const directory = await mkdtemp(join(tmpdir(), "pushmail-users-"));
  try {
    const file = join(directory, "users");
    await writeFile(file, "\ufeffann@example.org:secret\r\n");
    await provisionUsers(store, file);
    expect(await store.authenticate("ann@example.org", "secret")).toMatchObject({ address: "ann@example.org" });
  } finally {
    await rm(directory, { recursive: true });
    await store.close();
  }
});

it("takes no user twice, however the address is written", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  const twice = { "ann@bücher.example": "secret", "Ann@xn--bcher-kva.example": "other" };
  await expect(provisionUsers(store, twice)).rejects.toThrow("user Ann@xn--bcher-kva.example: is there already");
  await store.close();
});

it("begins with none behind one that cannot be", async () => {
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  const begun = jest.spyOn(store, "findOwner").mockImplementation(async (address) => {
    if (address === "ann@example.org") throw new Refusal("storeUnavailable", "the disk is on fire");
    return undefined;
  });
  const others = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`user${i}@example.org`, "secret"]));
  const provisioned = provisionUsers(store, { "ann@example.org": "secret", ...others });
  await expect(provisioned).rejects.toThrow("user ann@example.org: the disk is on fire");
  // Accounts are made one after the other: behind these what had begun has ended.
  for (const address of ["last@example.org", "very-last@example.org"]) {
    await store.createAccount({ address, password: "secret" });
  }
  expect(begun.mock.calls).toEqual([["ann@example.org"], ["user0@example.org"]]);
  await store.close();
});
