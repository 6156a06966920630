import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, jest } from "@jest/globals";
import { DEFAULT_STORE_LIMITS, openMailStore, openMemoryDriver, Refusal } from "@pushmail/mailstore";
import { provisionUsers } from "./users.ts";

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
