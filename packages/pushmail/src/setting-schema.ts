// What settings may look like: the zod schema and the words for it, both derived from the table of settings.
import { inspect } from "node:util";
import { limitMustBe, mostOf } from "@pushmail/mailstore";
import { z } from "zod";
import { leastOf, type SettingPath, settingPaths } from "./setting-names.ts";
import { defaultLimits, type Settings, settingSpecs } from "./settings.ts";

const port = z.union([z.literal("off"), z.int().min(0).max(65_535)]);
const text = z.string().min(1);
const quota = z.int().min(0).optional();
const user = z.strictObject({
  password: text,
  aliases: z.array(text).optional(),
  quotaBytesMax: quota,
  quotaMessagesMax: quota,
});
const kinds = {
  text: { schema: text, mustBe: "a text" },
  path: { schema: text, mustBe: "a path" },
  switch: { schema: z.boolean(), mustBe: "true or false" },
  port: { schema: port, mustBe: "a port (0 to 65535) or off" },
  names: { schema: z.array(text), mustBe: "a list of names" },
  users: {
    schema: z.union([text, z.record(text, z.union([text, user]))]),
    mustBe: "a path, or a table of users by address",
  },
} as const;
/** What stands in the table of users, by depth and name. */
const userMustBe: Readonly<Record<string, string>> = {
  password: "a password",
  aliases: "a list of addresses",
  quotaBytesMax: "a whole number that is not negative",
  quotaMessagesMax: "a whole number that is not negative",
};

const schema = z.strictObject({
  ...mapValues(settingSpecs, ({ kind }) => (typeof kind === "string" ? kinds[kind].schema : z.enum(kind)).optional()),
  limits: limitsSchema(defaultLimits, ["limits"]).optional(),
});

/** The settings where they are well formed, else the first that is not, and what is wrong with it. */
export function checkSettings(
  values: unknown,
): { readonly settings: Partial<Settings> } | { readonly wrong: SettingPath; readonly why: string } {
  const result = schema.safeParse(values);
  // The schema is made of the table that `Settings` describes, so what passes it is of that type.
  if (result.success) return { settings: result.data as Partial<Settings> };
  const issue = deepest(result.error.issues[0] as z.core.$ZodIssue);
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys")
    return { wrong: [...path, issue.keys[0] as string], why: "there is no such setting" };
  // What stands where passwords belong is not repeated.
  const found = path[0] === "users" ? "" : `, not ${inspect(valueAt(values, path))}`;
  return { wrong: path, why: `must be ${expected(path)}${found}` };
}

/** Where none of several forms fits, what is wrong in the one that fits best. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== "invalid_union") return issue;
  const inner = issue.errors.flat().map((each) => deepest({ ...each, path: [...issue.path, ...each.path] }));
  return inner.reduce((best, each) => (each.path.length > best.path.length ? each : best), inner[0] ?? issue);
}

/** The same tree of names, each of which may be left out. */
function limitsSchema(tree: object, path: SettingPath): z.ZodType {
  const shape = mapValues<string, number | object, z.ZodType>({ ...tree }, (value, name) =>
    typeof value === "number"
      ? z
          .int()
          .min(leastOf([...path, name]))
          .max(mostOf(name))
      : limitsSchema(value, [...path, name]),
  );
  return z.strictObject(shape).partial();
}

function expected(path: SettingPath): string {
  const known = settingPaths.find(([other]) => other.every((step, i) => step === path[i]));
  if (known === undefined) return "a table";
  const kind = known[1];
  if (kind === "limit") return limitMustBe(path.at(-1) ?? "", leastOf(path));
  if (kind === "users" && path.length > 1) {
    return userMustBe[path[2] ?? ""] ?? `a password, or a table of ${Object.keys(userMustBe).join(", ")}`;
  }
  return typeof kind === "string" ? kinds[kind].mustBe : kind.join(" or ");
}

function valueAt(values: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], values);
}

function mapValues<Key extends string, In, Out>(
  of: Readonly<Record<Key, In>>,
  map: (value: In, key: string) => Out,
): Record<Key, Out> {
  return Object.fromEntries(Object.entries<In>(of).map(([key, value]) => [key, map(value, key)])) as Record<Key, Out>;
}
