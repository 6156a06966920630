// What settings may look like, and the words for it: both come from the table of settings. Whoever gives them may have
// no types: a file, the environment, a program in JavaScript.
import { inspect } from "node:util";
import { isLimit, limitMustBe } from "@pushmail/mailstore";
import { isHostName } from "./host-name.ts";
import { leastOf, type SettingPath } from "./setting-names.ts";
import { defaultLimits, type Settings, type SettingSpec, settingSpecs, type UserSettings } from "./settings.ts";

/** A setting that is not well formed, and what is wrong with it. */
export interface WrongSetting {
  readonly wrong: SettingPath;
  readonly why: string;
}

type Table = Readonly<Record<string, unknown>>;
type Check = (value: unknown, path: SettingPath) => WrongSetting | undefined;

const PORT_MAX = 65_535;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
/** Whoever has a key at hand may give that itself. */
const isPath = (value: unknown): boolean => isText(value) && !value.includes("-----BEGIN ");
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPort = (value: unknown): boolean => value === "off" || (isWhole(value) && value <= PORT_MAX);
const isHost = (value: unknown): boolean => isText(value) && isHostName(value);
const areHosts = (value: unknown): boolean => Array.isArray(value) && value.every(isHost);
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const quota = one("a whole number that is not negative", isWhole);
const userChecks: Readonly<Record<keyof UserSettings, Check>> = {
  password: one("a password", isText),
  aliases: one("a list of addresses", areTexts),
  quotaBytesMax: quota,
  quotaMessagesMax: quota,
};

const kinds: Readonly<Record<Extract<SettingSpec["kind"], string>, Check>> = {
  text: one("a text", isText),
  host: one("a host's name, or its IP address", isHost),
  path: one("a path", isPath),
  switch: one("true or false", (value) => typeof value === "boolean"),
  port: one(`a port (0 to ${PORT_MAX}) or off`, isPort),
  names: one("a list of names", areHosts),
  users: checkUsers,
};

const checkAll = table({
  ...mapValues(settingSpecs, ({ kind }) =>
    typeof kind === "string" ? kinds[kind] : one(kind.join(" or "), (value) => kind.some((word) => word === value)),
  ),
  limits: limitsCheck(defaultLimits),
});

/** Neither a list nor a date nor a Map, from whatever realm it comes. */
export function isTable(value: unknown): value is Table {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** The settings where they are well formed, else the first that is not. */
export function checkSettings(values: unknown): { readonly settings: Partial<Settings> } | WrongSetting {
  // The checks are made of the table that `Settings` describes, so what passes them is of that type.
  return checkAll(values, []) ?? { settings: values as Partial<Settings> };
}

function one(what: string, fits: (value: unknown) => boolean): Check {
  return (value, path) => (fits(value) ? undefined : mustBe(path, what, value));
}

/** What is undefined is left out. */
function table(checks: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isTable(value)) return mustBe(path, "a table", value);
    return firstWrong(value, path, (name) => (Object.hasOwn(checks, name) ? checks[name] : undefined));
  };
}

function firstWrong(value: Table, path: SettingPath, checkOf: (name: string) => Check | undefined) {
  for (const [name, inner] of Object.entries(value)) {
    const place = [...path, name];
    const check = checkOf(name);
    if (check === undefined) return { wrong: place, why: "there is no such setting" };
    const wrong = inner === undefined ? undefined : check(inner, place);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkUsers(value: unknown, path: SettingPath): WrongSetting | undefined {
  if (isText(value)) return undefined;
  if (!isTable(value)) return mustBe(path, "a path, or a table of users by address", value);
  // An environment variable that is not set is no password.
  const users = mapValues(value, (user) => user ?? null);
  return firstWrong(users, path, () => checkUser);
}

function checkUser(value: unknown, path: SettingPath): WrongSetting | undefined {
  if (isText(value)) return undefined;
  if (!isTable(value)) return mustBe(path, `a password, or a table of ${Object.keys(userChecks).join(", ")}`, value);
  const { password = "" } = value;
  return table(userChecks)({ ...value, password }, path);
}

/** The same tree of names, each of which may be left out. */
function limitsCheck(tree: object, path: SettingPath = ["limits"]): Check {
  return table(
    mapValues<string, number | object, Check>({ ...tree }, (value, name) => {
      if (typeof value !== "number") return limitsCheck(value, [...path, name]);
      const least = leastOf([...path, name]);
      return one(limitMustBe(name, least), (limit) => isLimit(name, limit, least));
    }),
  );
}

function mustBe(wrong: SettingPath, what: string, value: unknown): WrongSetting {
  // What stands where passwords or a key belong is not repeated.
  const isSecret = ["users", "tlsKey", "tlsCert"].includes(wrong[0] ?? "");
  return { wrong, why: `must be ${what}${isSecret ? "" : `, not ${inspect(value)}`}` };
}

function mapValues<Key extends string, In, Out>(
  of: Readonly<Record<Key, In>>,
  map: (value: In, key: string) => Out,
): Record<Key, Out> {
  return Object.fromEntries(Object.entries<In>(of).map(([key, value]) => [key, map(value, key)])) as Record<Key, Out>;
}
