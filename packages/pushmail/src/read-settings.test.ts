import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readSettings } from "./read-settings.ts";
import { limitsIn, settingPaths, variableName } from "./setting-names.ts";
import { defaultLimits, defaultSettings } from "./settings.ts";

let directory: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-settings-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function configFile(toml: string): Promise<string> {
  const file = join(directory, `${++files}.toml`);
  await writeFile(file, toml);
  return file;
}

describe("reading settings", () => {
  it("takes the defaults where nothing is said", async () => {
    expect(await readSettings([], {})).toEqual(defaultSettings);
  });

  it("takes the examples of docs/operating.md", async () => {
    const examples = (await readFile("docs/operating.md", "utf8")).matchAll(/^```toml\n(.*?)^```$/gms);
    const files = await Promise.all(Array.from(examples, ([, toml = ""]) => configFile(toml)));
    expect(await Promise.all(files.map((file) => readSettings(["--config", file], {})))).toMatchObject([
      { users: join(directory, "users"), imaps: 993, limits: { smtp: { messageBytesMax: 20_000_000 } } },
      { users: { "ann@example.org": { quotaMessagesMax: 100_000 } } },
      { oauthAudience: "pushmail" },
    ]);
  });

  it("lets the environment override the file, and the command line both", async () => {
    const file = await configFile(`
      smtp = 1
      submission = 1
      submissions = 1
      lmtp = "off"
      domain = ["file.example", "other.example"]
      logLevel = "warn"
      [limits.imap]
      keepAliveMs = 1000
      tickMs = 1000
      wire.searchKeysMax = 7
    `);
    const environment = {
      PUSHMAIL_CONFIG: file,
      PUSHMAIL_SUBMISSION: "2",
      PUSHMAIL_SUBMISSIONS: "2",
      PUSHMAIL_DOMAIN: "one.example, two.example",
      PUSHMAIL_LOG_LEVEL: "", // says nothing
      PUSHMAIL_LIMITS_IMAP_TICK_MS: "2000",
      PUSHMAIL_LIMITS_IMAP_WIRE_SEARCH_DEPTH_MAX: "8",
      PUSHMAIL_PASSWORD: "of a client command",
    };
    const settings = await readSettings(["--submissions", "3", "--imap", "off", "--demo"], environment);
    expect(settings).toEqual({
      ...defaultSettings,
      smtp: 1,
      submission: 2,
      submissions: 3,
      lmtp: "off",
      imap: "off",
      domain: ["one.example", "two.example"],
      logLevel: "warn",
      demo: true,
      limits: { imap: { keepAliveMs: 1000, tickMs: 2000, wire: { searchKeysMax: 7, searchDepthMax: 8 } } },
    });
  });

  it("takes an empty variable for none", async () => {
    const names = ["PUSHMAIL_CONFIG", ...settingPaths.map(([path]) => variableName(path))];
    expect(await readSettings([], Object.fromEntries(names.map((name) => [name, ""])))).toEqual(defaultSettings);
  });

  it("takes a list from repeated flags", async () => {
    const names = ["a.example", "müller.example", "[192.0.2.5]", "[IPv6:2001:db8::5]"];
    const flags = names.flatMap((name) => ["--domain", name]);
    expect(await readSettings(flags, { PUSHMAIL_DOMAIN: "c" })).toMatchObject({ domain: names });
  });

  it("lets a stronger source choose between directory and memory", async () => {
    const file = await configFile("memory = true");
    expect(await readSettings(["--config", file], {})).toMatchObject({ memory: true });
    expect(await readSettings(["--config", file, "--data", "mail"], {})).toMatchObject({ memory: false, data: "mail" });
    expect(await readSettings(["--memory"], { PUSHMAIL_DATA: "mail" })).toMatchObject({ memory: true });
  });

  it("does not repeat a key in place of its path", async () => {
    const file = await configFile(`tlsKey = """\n-----BEGIN PRIVATE KEY-----\nMIGH\n"""\ntlsCert = "cert.pem"`);
    await expect(readSettings(["--config", file], {})).rejects.toThrow(/: tlsKey: must be a path$/);
  });

  it("takes paths in the file relative to the file", async () => {
    const file = await configFile(`data = "mail"\nusers = "users"\ntlsKey = "/etc/key.pem"\ntlsCert = "../cert.pem"`);
    expect(await readSettings(["--config", file], {})).toMatchObject({
      data: join(directory, "mail"),
      users: join(directory, "users"),
      tlsKey: "/etc/key.pem",
      tlsCert: join(directory, "../cert.pem"),
    });
    const inline = await configFile(`[users]\n"a@example.org" = "secret"`);
    expect(await readSettings(["--config", inline], {})).toMatchObject({ users: { "a@example.org": "secret" } });
    const more = await configFile(
      `[users."a@example.org"]\npassword = "x"\naliases = ["@example.org"]\nquotaBytesMax = 9`,
    );
    const user = { password: "x", aliases: ["@example.org"], quotaBytesMax: 9 };
    expect(await readSettings(["--config", more], {})).toMatchObject({ users: { "a@example.org": user } });
  });

  it("knows every limit in the file and in the environment", async () => {
    const paths = settingPaths.filter(([, kind]) => kind === "limit").map(([path]) => path);
    expect(paths.length).toBeGreaterThan(50);
    const file = await configFile(paths.map((path) => `${path.join(".")} = 16`).join("\n"));
    const fromFile = await readSettings(["--config", file], {});
    const fromEnvironment = await readSettings([], Object.fromEntries(paths.map((path) => [variableName(path), "16"])));
    const all = limitsIn(defaultLimits).map(([path]) => [path, 16]);
    expect(limitsIn(fromFile.limits)).toEqual(all);
    expect(limitsIn(fromEnvironment.limits)).toEqual(all);
    expect(new Set(settingPaths.map(([path]) => variableName(path))).size).toBe(settingPaths.length);
  });
});

describe("settings that are wrong", () => {
  it.each([
    [`smtp = "x"`, `smtp: must be a port (0 to 65535) or off, not 'x'`],
    ["imaps = 65536", "imaps: must be a port (0 to 65535) or off, not 65536"],
    ["smpt = 25", "smpt: there is no such setting"],
    [`log = "xml"`, "log: must be pretty or json, not 'xml'"],
    ["memory = 1", "memory: must be true or false, not 1"],
    [`domain = "example.org"`, "domain: must be a list of names, not 'example.org'"],
    [`data = ""`, "data: must be a path, not ''"],
    ["limits = 5", "limits: must be a table, not 5"],
    [
      `limits.imap.keepAliveMs = "5s"`,
      "limits.imap.keepAliveMs: must be a whole number from 1 to 2147483647, not '5s'",
    ],
    [
      "limits.imap.wire.searchKeysMax = 0",
      "limits.imap.wire.searchKeysMax: must be a whole number of at least 1, not 0",
    ],
    ["limits.imap.closeMs = -1", "limits.imap.closeMs: must be a whole number from 0 to 2147483647, not -1"],
    [
      "limits.imap.autologoutMs = 2147483648",
      "limits.imap.autologoutMs: must be a whole number from 1 to 2147483647, not 2147483648",
    ],
    ["limits.store.mailboxesMax = 1.5", "limits.store.mailboxesMax: must be a whole number of at least 1, not 1.5"],
    ["limits.imap.patience = 1", "limits.imap.patience: there is no such setting"],
    [`users = 5`, "users: must be a path, or a table of users by address"],
    [
      `[users]\n"a@example.org" = 31337`,
      "users.a@example.org: must be a password, or a table of password, aliases, quotaBytesMax, quotaMessagesMax",
    ],
    [
      `[users."a@example.org"]\npassword = "x"\naliases = [5]`,
      "users.a@example.org.aliases: must be a list of addresses",
    ],
    [`[users."a@example.org"]\naliases = []`, "users.a@example.org.password: must be a password"],
    [`[users."a@example.org"]\npassword = "x"\nalias = []`, "users.a@example.org.alias: there is no such setting"],
    [`data = "d"\nmemory = true`, "data and memory exclude each other"],
  ])("in the file: %s", async (toml, complaint) => {
    const file = await configFile(toml);
    await expect(readSettings(["--config", file], {})).rejects.toHaveProperty("message", `${file}: ${complaint}`);
  });

  it.each([
    [{ PUSHMAIL_IMAP: "imap" }, "PUSHMAIL_IMAP: must be a port (0 to 65535) or off, not 'imap'"],
    [{ PUSHMAIL_MEMORY: "yes" }, "PUSHMAIL_MEMORY: must be true or false, not 'yes'"],
    [
      { PUSHMAIL_LIMITS_SMTP_RECIPIENTS_MAX: "many" },
      "PUSHMAIL_LIMITS_SMTP_RECIPIENTS_MAX: must be a whole number of at least 1, not 'many'",
    ],
    [{ PUSHMAIL_LIMITS_SMTP_PATIENCE: "1" }, "PUSHMAIL_LIMITS_SMTP_PATIENCE: there is no such setting"],
  ])("in the environment: %j", async (environment, complaint) => {
    await expect(readSettings([], environment)).rejects.toHaveProperty("message", `environment: ${complaint}`);
  });

  it.each([
    [["--smtp", "25x"], "--smtp: must be a port (0 to 65535) or off, not '25x'"],
    [["--log-level", "loud"], /^command line: --log-level: must be trace or .* or silent, not 'loud'$/],
    [["--domain", "a.example,b.example"], "--domain: must be a list of names, not [ 'a.example,b.example' ]"],
    [["--domain", "@a.example"], "--domain: must be a list of names, not [ '@a.example' ]"],
    [["--memory", "--data", "mail"], "--data and --memory exclude each other"],
    [["--smtp"], /'--smtp <value>'/],
    [["--fast"], /'--fast'/],
    [["now"], /'now'/],
  ])("on the command line: %j", async (args, complaint) => {
    const message = typeof complaint === "string" ? `command line: ${complaint}` : expect.stringMatching(complaint);
    await expect(readSettings(args, {})).rejects.toHaveProperty("message", message);
  });

  it("in a file that is no TOML", async () => {
    const file = await configFile("smtp = 1\nimap = ");
    await expect(readSettings(["--config", file], {})).rejects.toThrow(`${file}:2: Invalid TOML document`);
  });

  it("in a file that is not there", async () => {
    await expect(readSettings(["--config", "/nowhere/pushmail.toml"], {})).rejects.toThrow(
      /^\/nowhere\/pushmail.toml: ENOENT/,
    );
  });
});
