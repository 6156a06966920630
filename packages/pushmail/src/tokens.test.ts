// The settings about tokens: what goes together, and what is said where it does not.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { defaultLimits, defaultSettings, type ServerSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";
import { loadTokenChecker } from "./tokens.ts";

const ISSUER = { oauthIssuer: "https://id.example.org", oauthAudience: "mail" };

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-tokens-"));
  await writeFile(join(directory, "keys.json"), `{"keys":[]}`);
  await writeFile(join(directory, "none.json"), `{}`);
  await writeFile(join(directory, "null.json"), "null");
  await writeFile(join(directory, "odd.json"), `{"keys":[5]}`);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function load(settings: Partial<ServerSettings>): ReturnType<typeof loadTokenChecker> {
  return loadTokenChecker({ ...defaultSettings, ...settings }, defaultLimits.token);
}

it("leave tokens out where nothing is set", async () => {
  expect(await load({})).toBeUndefined();
});

describe("a source of trust", () => {
  it.each<readonly [string, () => Partial<ServerSettings>]>([
    ["a file", () => ({ oauthKeys: join(directory, "keys.json") })],
    ["a URL", () => ({ oauthKeysUrl: "https://id.example.org/keys" })],
    ["a URL of this machine", () => ({ oauthKeysUrl: "http://127.0.0.1:8080/keys" })],
    ["an endpoint", () => ({ oauthIntrospectionUrl: "https://name:password@id.example.org/introspect" })],
  ])("is %s", async (_what, source) => {
    expect(await load({ ...ISSUER, ...source() })).toMatchObject({ issuer: ISSUER.oauthIssuer });
  });
});

it.each<readonly [string, () => Partial<ServerSettings>, RegExp]>([
  ["no issuer", () => ({ oauthKeysUrl: "https://id.example.org/keys" }), /oauthIssuer is missing/],
  ["an audience alone", () => ({ oauthAudience: "mail" }), /oauthIssuer is missing/],
  ["an issuer that is none", () => ({ ...ISSUER, oauthIssuer: "me" }), /oauthIssuer is no URL/],
  ["no audience", () => ({ oauthIssuer: "https://id.example.org" }), /oauthAudience is missing/],
  ["no source", () => ISSUER, /one of oauthKeys/],
  ["two sources", () => ({ ...ISSUER, oauthKeys: "x", oauthKeysUrl: "https://id.example.org/keys" }), /one of/],
  ["a source in clear", () => ({ ...ISSUER, oauthKeysUrl: "http://id.example.org/keys" }), /must be an https URL/],
  ["a source that is no URL", () => ({ ...ISSUER, oauthIntrospectionUrl: "there" }), /must be an https URL/],
  [
    "a name where none is used",
    () => ({ ...ISSUER, oauthKeysUrl: "https://name:word@id.example.org/keys" }),
    /^oauthKeysUrl takes no name and password$/,
  ],
  [
    "a password that is none",
    () => ({ ...ISSUER, oauthIntrospectionUrl: "https://name:100%@id.example.org/" }),
    /^oauthIntrospectionUrl: name and password must be percent-encoded$/,
  ],
  ["a file that is not there", () => ({ ...ISSUER, oauthKeys: join(directory, "gone.json") }), /ENOENT/],
  ["a file without keys", () => ({ ...ISSUER, oauthKeys: join(directory, "none.json") }), /it has no keys/],
  ["a file of nothing", () => ({ ...ISSUER, oauthKeys: join(directory, "null.json") }), /it has no keys/],
  ["a file with what are no keys", () => ({ ...ISSUER, oauthKeys: join(directory, "odd.json") }), /it has no keys/],
])("complain of %s", async (_what, settings, complaint) => {
  const loading = load(settings());
  await expect(loading).rejects.toThrow(complaint);
  await expect(loading).rejects.toThrow(StartFault);
});
