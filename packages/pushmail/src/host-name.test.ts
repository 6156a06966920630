import { hostname } from "node:os";
import { expect, it } from "@jest/globals";
import { machineName } from "./host-name.ts";
import { defaultSettings } from "./settings.ts";
import { checkSettings } from "./setting-check.ts";

it.each([
  ["mail_1.example.org", "mail_1.example.org"],
  ["(none)", "localhost"],
  ["", "localhost"],
])("of a machine called %j is one that the server can have", (name, own) => {
  expect(machineName(name)).toBe(own);
  expect(checkSettings({ hostname: own })).toEqual({ settings: { hostname: own } });
});

it("is what holds where none is set", () => {
  expect(defaultSettings.hostname).toBe(machineName(hostname()));
});
