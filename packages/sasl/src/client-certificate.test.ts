// Addresses among the names of a certificate, as node writes them.
import { expect, it } from "@jest/globals";
import { addressesIn } from "./client-certificate.ts";

it.each<readonly [string, readonly string[]]>([
  ["email:alice@example.org", ["alice@example.org"]],
  ["email:alice@example.org, DNS:a.example.org, email:info@example.org", ["alice@example.org", "info@example.org"]],
  ["DNS:a.example.org, IP Address:192.0.2.1", []],
  ["", []],
  // Names that were made up to look like several.
  [`DNS:"a, email:alice@example.org, b"`, []],
  [`DNS:"a\\", email:alice@example.org, b"`, []],
  [`email:"alice@example.org, email:bob@example.org"`, []],
  [`URI:"x, email:alice@example.org", email:bob@example.org`, ["bob@example.org"]],
  // What is not understood.
  [`DNS:a"b, email:alice@example.org`, []],
  [`email:alice@example.org, DNS:a"b`, []],
  ["email:alice@example.org; more", ["alice@example.org; more"]],
  ["no names", []],
])("in %j are %j", (names, addresses) => {
  expect(addressesIn(names)).toEqual(addresses);
});
