// The settings as texts: the usage of `pushmail serve`, and the page docs/settings.md.
import { flagName, leastOf, limitsIn, variableName } from "./setting-names.ts";
import { defaultLimits, defaultSettings, type SettingSpec, settingSpecs } from "./settings.ts";

type SettingName = keyof typeof settingSpecs;
const specs = Object.entries(settingSpecs) as [SettingName, SettingSpec][];

/** How to use `pushmail serve`. */
export function serveUsage(): string {
  const rows = [
    { flag: "--config FILE", says: "settings in TOML, limits too" },
    ...specs.map(([name, { value, says }]) => ({
      flag: `--${flagName(name)} ${value}`,
      says: `${says} (${defaultOf(name)})`,
    })),
  ];
  return `pushmail serve: run the server

Prints one line on stdout when every listener is up: ready {"smtp":{"host":"127.0.0.1","port":2525},...,"pid":123}
A PORT of 0 takes a free port, off opens none. SIGTERM and SIGINT end it, SIGHUP reads the certificate anew.

${rows.map(({ flag, says }) => `  ${flag.padEnd(32)}${says}`).join("\n")}

Environment: PUSHMAIL_ and the flag's name, such as PUSHMAIL_LOG_LEVEL; it overrides the file, flags override both.
`;
}

/** The text of docs/settings.md: all settings and limits, in two tables. */
export function settingsReference(): string {
  const settings = specs.map(([name, { value, says, kind }]) => {
    const flag = `--${flagName(name)} ${value}`.trimEnd();
    return row(
      `\`${name}\``,
      `\`${flag}\`${kind === "names" ? " ..." : ""}`,
      `\`${variableName([name])}\``,
      defaultOf(name),
      says,
    );
  });
  const limits = limitsIn({ limits: defaultLimits }).map(([path, limit]) =>
    row(`\`${path.join(".")}\``, String(limit), String(leastOf(path))),
  );
  return [
    "# Settings",
    "",
    "Made by `npx pushmail help settings > docs/settings.md`; [operating.md](operating.md) says how they are given.",
    "",
    row("key in the file", "flag", "environment", "default", "what it is"),
    row("---", "---", "---", "---", "---"),
    ...settings,
    "",
    "Limits, whole numbers: [limits.md](limits.md) says why each of them is so; what it bounds says the `limits.ts` of its",
    "package, and what 0 means, where it may be that. Those in milliseconds are at most 2147483647, which is 24 days;",
    "so are `limits.scrypt.N`, a power of 2, and `limits.scram.iterations`.",
    "",
    row("key in the file", "default", "at least"),
    row("---", "---", "---"),
    ...limits,
    "",
  ].join("\n");
}

function defaultOf(name: SettingName): string {
  const value = defaultSettings[name];
  return settingSpecs[name].unset ?? (typeof value === "object" ? "none" : String(value));
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
