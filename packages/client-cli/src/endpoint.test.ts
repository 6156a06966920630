import { describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { connectionOptions, requireLogin, resolveEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { parseOptions } from "./options.ts";

function resolve(args: readonly string[], env: Record<string, string> = {}): Promise<Endpoint> {
  return resolveEndpoint(parseOptions(args, connectionOptions), env);
}

const login = ["--user", "ann", "--password", "x"];

describe("the endpoint", () => {
  it("is plain on loopback and TLS elsewhere, each with its ports", async () => {
    const cases: [string[], Partial<Endpoint>][] = [
      [[], { host: "127.0.0.1", tls: "plain", imapPort: 2143, smtpPort: 2525, submissionPort: 2587 }],
      [["--host", "localhost", "--tls"], { tls: "implicit", imapPort: 2993, smtpPort: 2525, submissionPort: 2465 }],
      [["--host", "::1", "--starttls"], { tls: "starttls", imapPort: 2143, submissionPort: 2587 }],
      // Where a server listens on every address: it has its host from the same variable.
      [["--host", "0.0.0.0"], { tls: "plain", imapPort: 2143 }],
      [["--host", "::"], { tls: "plain", imapPort: 2143 }],
      [["--host", "mail.example.org"], { tls: "implicit", imapPort: 993, smtpPort: 25, submissionPort: 465 }],
      [["--host", "127.0.0.1.example.org"], { tls: "implicit" }],
      [["--host", "10.0.0.1", "--starttls"], { tls: "starttls", imapPort: 143, submissionPort: 587 }],
      [["--host", "10.0.0.1", "--no-tls"], { tls: "plain", imapPort: 143 }],
      [
        ["--port", "1", "--smtp-port", "2", "--insecure"],
        { imapPort: 1, smtpPort: 2, submissionPort: 2, insecure: true },
      ],
    ];
    for (const [args, expected] of cases) expect(await resolve(args)).toMatchObject(expected);
  });

  it("takes flags over the environment, and a profile instead of it", async () => {
    const env = {
      PUSHMAIL_HOST: "env.example",
      PUSHMAIL_IMAP_PORT: "1000",
      PUSHMAIL_USER: "env-user",
      PUSHMAIL_PASSWORD: "env-secret",
      PUSHMAIL_TLS: "starttls",
      PUSHMAIL_PROFILE_MY_WORK: "imaps://a%40b.example:s%3Acret@work.example:9930?smtp=26&submission=466&insecure=1",
    };
    const fromEnv = await resolve(["--port", "2000"], env);
    expect(fromEnv).toMatchObject({ host: "env.example", imapPort: 2000, tls: "starttls" });
    expect(fromEnv.login?.password.reveal()).toBe("env-secret");
    const fromProfile = await resolve(["--profile", "my-work", "--smtp-port", "27"], env);
    expect(fromProfile).toMatchObject({ host: "work.example", imapPort: 9930, tls: "implicit", insecure: true });
    expect(fromProfile).toMatchObject({ smtpPort: 27, submissionPort: 27, login: { user: "a@b.example" } });
    expect(fromProfile.login?.password.reveal()).toBe("s:cret");
    const loopback = await resolve(["--profile", "l"], { PUSHMAIL_PROFILE_L: "imap://a:b@[::1]:7" });
    expect(loopback).toMatchObject({ host: "::1", tls: "plain", imapPort: 7 });
    const elsewhere = await resolve(["--profile", "e"], { PUSHMAIL_PROFILE_E: "imap://a:b@mail.example" });
    expect(elsewhere).toMatchObject({ tls: "starttls", imapPort: 143 });
  });

  it("reads the password from a file, and a stronger source replaces either kind", async () => {
    const directory = await mkdtemp(join(tmpdir(), "pushmail-"));
    try {
      const file = join(directory, "password");
      await writeFile(file, "from file\r\nsecond line\n");
      const env = { PUSHMAIL_USER: "ann", PUSHMAIL_PASSWORD: "from env" };
      expect((await resolve(["--password-file", file], env)).login?.password.reveal()).toBe("from file");
      const fileEnv = { PUSHMAIL_USER: "ann", PUSHMAIL_PASSWORD_FILE: file };
      expect((await resolve([], fileEnv)).login?.password.reveal()).toBe("from file");
      expect((await resolve(["--password", "flag"], fileEnv)).login?.password.reveal()).toBe("flag");
      const emptyEnv = { ...fileEnv, PUSHMAIL_PASSWORD: "" };
      expect((await resolve([], emptyEnv)).login?.password.reveal()).toBe("from file");
      await expect(resolve([], { ...emptyEnv, PUSHMAIL_PASSWORD_FILE: "" })).rejects.toThrow("no password for ann");
      await expect(resolve(["--user", "ann", "--password-file", join(directory, "none")])).rejects.toMatchObject({
        exitCode: 2,
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("prints no password, whatever prints it", async () => {
    const endpoint = await resolve(["--user", "ann", "--password", "hunter2"]);
    const printed = [JSON.stringify(endpoint), inspect(endpoint, { depth: 9 }), String(endpoint.login?.password)];
    expect(printed.filter((text) => text.includes("hunter2"))).toEqual([]);
  });

  it("says what is wrong in one line, without the profile's password", async () => {
    const cases: [string[], Record<string, string>, string][] = [
      [["--port", "70000"], {}, 'the IMAP port must be a whole number from 1 to 65535, not "70000"'],
      [["--tls", "--no-tls"], {}, "--tls and --no-tls exclude each other"],
      [["--password", "x", "--password-file", "y"], {}, "--password and --password-file exclude each other"],
      [["--user", "ann"], {}, "no password for ann"],
      [["--profile", "x"], {}, 'no profile "x": PUSHMAIL_PROFILE_X is not set'],
      [["--profile", "x"], { PUSHMAIL_PROFILE_X: "ann:hunter2@host" }, "PUSHMAIL_PROFILE_X must be a URL"],
      [["--profile", "x"], { PUSHMAIL_PROFILE_X: "imap://ann:hunter2%zz@host" }, "has a % that is not followed"],
      [[], { PUSHMAIL_TLS: "yes" }, "PUSHMAIL_TLS must be on, starttls or off"],
      [[], { PUSHMAIL_INSECURE: "false" }, "must be 1 or 0"],
      [["--profile", "x"], { PUSHMAIL_PROFILE_X: "imaps://host?insecure=no" }, "must be 1 or 0"],
      [
        ["--profile", "x"],
        { PUSHMAIL_PROFILE_X: "imaps://host?insecur=1" },
        'X has a "insecur", which is none of smtp',
      ],
      [["--unknown"], {}, "Unknown option '--unknown'"],
      [["stray"], {}, "Unexpected argument 'stray'"],
    ];
    for (const [args, env, message] of cases) {
      const fault: unknown = await (async () => resolve(args, env))().catch((error: unknown) => error);
      expect(fault).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
      expect((fault as Error).message).not.toMatch(/hunter2|\n/);
    }
    expect(() => requireLogin({ login: undefined } as Endpoint)).toThrow("no account");
    expect(requireLogin(await resolve(login)).user).toBe("ann");
  });
});
