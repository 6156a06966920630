// How each setting is called: in the file, in the environment, on the command line.
import { defaultLimits, type Limits, type SettingSpec, settingSpecs, zeroLimits } from "./settings.ts";

/** Where a setting stands in the file: `["logLevel"]`, `["limits", "imap", "keepAliveMs"]`. */
export type SettingPath = readonly string[];
export type SettingKind = SettingSpec["kind"] | "limit";

/** Every setting there is; limits have no flag. */
export const settingPaths: readonly (readonly [path: SettingPath, kind: SettingKind])[] = [
  ...Object.entries(settingSpecs).map(([name, { kind }]) => [[name], kind] as const),
  ...limitsIn(defaultLimits).map(([path]) => [["limits", ...path], "limit"] as const),
];

/** The numbers in a tree of limits, with their places. */
export function limitsIn(tree: object): (readonly [path: SettingPath, limit: number])[] {
  return Object.entries(tree).flatMap(([name, value]: [string, number | object]) =>
    typeof value === "number"
      ? [[[name], value] as const]
      : limitsIn(value).map(([path, limit]) => [[name, ...path], limit] as const),
  );
}

/** The least that a limit may be: where it stands says what it means. */
export function leastOf([, part, ...rest]: SettingPath): 0 | 1 | 2 {
  // RFC 7914 2
  if (part === "scrypt" && rest[0] === "N") return 2;
  return zeroLimits[part as keyof Limits].includes(rest.at(-1) as string) ? 0 : 1;
}

/** `log-level` for `logLevel`. */
export function flagName(name: string): string {
  return words(name).join("-");
}

/** `PUSHMAIL_LIMITS_IMAP_KEEP_ALIVE_MS` for `limits.imap.keepAliveMs`. */
export function variableName(path: SettingPath): string {
  return ["pushmail", ...path.flatMap(words)].join("_").toUpperCase();
}

function words(camelCase: string): string[] {
  return camelCase.split(/(?<=.)(?=[A-Z])/).map((word) => word.toLowerCase());
}
