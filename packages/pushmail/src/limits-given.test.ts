// Every limit that a program gives to a server of its own is checked before anything is opened.
import { expect, it } from "@jest/globals";
import { leastOf, limitsIn, type SettingPath } from "./setting-names.ts";
import { defaultLimits, type LimitsGiven, zeroLimits } from "./settings.ts";
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

it("knows of none that may be 0 and is not there", () => {
  const known = limitsIn(defaultLimits).map(([path]) => `${path[0]}.${path.at(-1)}`);
  const zeros = Object.entries(zeroLimits).flatMap(([part, names]) => names.map((name) => `${part}.${name}`));
  expect(known).toEqual(expect.arrayContaining(zeros));
});
