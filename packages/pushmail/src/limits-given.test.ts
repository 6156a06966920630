// Every limit that a program gives to a server of its own is checked before anything is opened.
import { scryptSync } from "node:crypto";
import { expect, it } from "@jest/globals";
import { leastOf, limitsIn, type SettingPath } from "./setting-names.ts";
import { defaultLimits, type LimitsGiven, zeroLimits } from "./settings.ts";
import { StartFault } from "./start-fault.ts";
import { startPushmail } from "./start.ts";

function only(path: SettingPath, limit: number): LimitsGiven {
  return path.reduceRight<object | number>((inner, step) => ({ [step]: inner }), limit) as LimitsGiven;
}

it("refuses what is below the least, what is no whole number, and what no timer and no hash takes", async () => {
  const paths = limitsIn(defaultLimits).map(([path]) => path);
  for (const path of paths) {
    const least = leastOf(["limits", ...path]);
    const name = ["limits", ...path].join(".");
    const hasMost = /Ms(Max)?$|\.(N|iterations)$/.test(name);
    const isPower = name === "limits.scrypt.N";
    const number = isPower ? "a power of 2" : "a whole number";
    const range = hasMost ? `from ${least} to 2147483647` : `of at least ${least}`;
    for (const limit of [least - 1, least + 0.5, ...(hasMost ? [2 ** 31] : []), ...(isPower ? [3] : [])]) {
      const starting = startPushmail({ limits: only(path, limit) });
      await expect(starting).rejects.toThrow(`${name}: must be ${number} ${range}, not ${limit}`);
    }
  }
});

it.each([
  // 2^(16 r), and as much as a hash of 128 r p octets may be.
  { N: 2 ** 16, r: 1, p: 1 },
  { N: 2, r: 2 ** 12, p: 2 ** 12 },
  { N: 2 ** 30, r: 2 ** 20, p: 1 },
])("refuses costs of scrypt that it takes one by one, but not together: %j", async (scrypt) => {
  const hash = (): void => void scryptSync("", "", 32, { ...scrypt, maxmem: Number.MAX_SAFE_INTEGER });
  expect(hash).toThrow("Invalid scrypt params");
  await expect(startPushmail({ limits: { scrypt } })).rejects.toThrow(
    /^limits\.scrypt: N must be below 2\^\(16 r\), r p below 2\^24, r \(N \+ p \+ 2\) below 2\^46, not \{ N: \d+, r: \d+, p: \d+ \}$/,
  );
});

it.each([
  { N: 2 ** 15, r: 1, p: 1 },
  { N: 2, r: 1, p: 2 ** 14 },
])("takes those that scrypt takes: %j", async (scrypt) => {
  const pushmail = await startPushmail({ limits: { scrypt } });
  await pushmail.store.createAccount({ address: "a@example.org", password: "secret" });
  await pushmail.close();
});

it.each(["segmentBytesMax", "groupBytesMax"])(
  "refuses a %s beyond what the files' format has room for",
  async (name) => {
    const starting = startPushmail({ limits: { level: { [name]: 2 ** 40 } } });
    await expect(starting).rejects.toThrow(`limits.level.${name} is above `);
    await expect(starting).rejects.toBeInstanceOf(StartFault);
  },
);

it("knows of none that may be 0 and is not there", () => {
  const known = limitsIn(defaultLimits).map(([path]) => `${path[0]}.${path.at(-1)}`);
  const zeros = Object.entries(zeroLimits).flatMap(([part, names]) => names.map((name) => `${part}.${name}`));
  expect(known).toEqual(expect.arrayContaining(zeros));
});
