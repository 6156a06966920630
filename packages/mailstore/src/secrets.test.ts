// Passwords: what a guesser can see of the checks, and what is no wrong password.
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_SCRYPT_COST, Secrets } from "./secrets.ts";

describe("a check", () => {
  it("is shared by those who ask the same of one name, and by no others, whether or not they exist", async () => {
    const secrets = new Secrets({ ...DEFAULT_SCRYPT_COST, p: 1 }, 1);
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

  it("fails where the stored secret is damaged", async () => {
    const secrets = new Secrets({ N: 16, r: 1, p: 1 }, 1);
    for (let i = 0; i < 2; i++) {
      await expect(secrets.verify("scrypt$16", { address: "alice", password: "x" })).rejects.toThrow("damaged");
    }
  });
});
