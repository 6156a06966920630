import { expect, it } from "@jest/globals";
import { DEFAULT_STORE_LIMITS, openMailStore, openMemoryDriver } from "@pushmail/mailstore";
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
