import { expect, it } from "@jest/globals";
import type { AccountInfo } from "@pushmail/mailstore";
import type { Client, MailCommand } from "./engine/receiver.ts";
import { traceHeader } from "./trace-header.ts";
import type { Trace } from "./trace-header.ts";

const user = { address: "alice@example.org" } as AccountInfo;

function trace(
  client: Partial<Client>,
  { mail, ...rest }: { readonly mail?: Partial<MailCommand> } & Partial<Omit<Trace, "mail">> = {},
): string {
  const peer = {
    address: "192.0.2.7",
    helloName: "client.example",
    extended: true,
    cipher: null,
    user: null,
    ...client,
  };
  return traceHeader({
    mail: { id: "abc-1", sender: "bob@example.net", sizeBytes: 0, utf8: false, client: peer, ...mail },
    protocol: "smtp",
    hostname: "mx.example.org",
    recipient: "alice@example.org",
    receivedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    ...rest,
  });
}

it("says from whom, by whom, with what, for whom and when", () => {
  expect(trace({ cipher: "TLS_AES_256_GCM_SHA384", user })).toBe(
    [
      "Return-Path: <bob@example.net>",
      "Received: from client.example ([192.0.2.7])",
      "\tby mx.example.org with ESMTPSA id abc-1",
      "\ttls TLS_AES_256_GCM_SHA384",
      "\tfor <alice@example.org>;",
      "\tFri, 02 Jan 2026 03:04:05 +0000",
      "",
    ].join("\r\n"),
  );
  expect(trace({}, { recipient: null, mail: { sender: "" } })).toBe(
    [
      "Return-Path: <>",
      "Received: from client.example ([192.0.2.7])",
      "\tby mx.example.org with ESMTP id abc-1;",
      "\tFri, 02 Jan 2026 03:04:05 +0000",
      "",
    ].join("\r\n"),
  );
});

it.each([
  ["SMTP", { extended: false }, {}],
  ["SMTP", { extended: false, cipher: "X" }, {}],
  ["ESMTP", {}, {}],
  ["ESMTPS", { cipher: "X" }, {}],
  ["ESMTPA", { user }, {}],
  ["UTF8SMTP", {}, { mail: { utf8: true } }],
  ["UTF8SMTPSA", { cipher: "X", user }, { mail: { utf8: true } }],
  ["LMTP", {}, { protocol: "lmtp" }],
  ["LMTPS", { cipher: "X" }, { protocol: "lmtp" }],
  ["UTF8LMTP", {}, { protocol: "lmtp", mail: { utf8: true } }],
] as const)("names the protocol %s", (protocol, client, more) => {
  expect(/ with (\S+) id /.exec(trace(client, more))?.[1]).toBe(protocol);
});

it.each([
  ["mail.example", "192.0.2.7", "from mail.example ([192.0.2.7])"],
  ["[192.0.2.7]", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"],
  ["[ipv6:2001:db8::1]", "2001:db8::1", "from [ipv6:2001:db8::1] ([IPv6:2001:db8::1])"],
  ["bücher.example", "192.0.2.7", "from xn--bcher-kva.example ([192.0.2.7])"],
  ["12345", "192.0.2.7", "from 12345 ([192.0.2.7])"],
  ["0x7f.1", "192.0.2.7", "from 0x7f.1 ([192.0.2.7])"],
  ["my_pc", "192.0.2.7", "from my_pc ([192.0.2.7])"],
  ["(evil)", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"],
  ["a;b", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7])"],
  ["-", "2001:db8::1", "from - ([IPv6:2001:db8::1])"],
  ["x", "fe80::1%eth0", "from x ([IPv6:fe80::1])"],
  ["", "2001:db8::1", "from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])"],
])("writes the name %j of %s as %s", (helloName, address, from) => {
  expect(trace({ helloName, address })).toContain(`\r\nReceived: ${from}\r\n`);
});

it("writes domains in ASCII unless SMTPUTF8 was asked for", () => {
  const sender = "jürgen@bücher.example";
  expect(trace({}, { mail: { sender: "j@bücher.example" } })).toContain("Return-Path: <j@xn--bcher-kva.example>\r\n");
  expect(trace({}, { mail: { sender, utf8: true } })).toContain(`Return-Path: <${sender}>\r\n`);
});
