// What a program gives without types, or with the wrong ones, is named before anything is opened.
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { expect, it } from "@jest/globals";
import { optionsGiven, type PushmailOptions } from "./options-given.ts";
import { type ListenerAddress, startPushmail } from "./start.ts";
import { StartFault } from "./start-fault.ts";

const KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n";
const USERS = "must be a path, or a table of users by address";

it.each<[unknown, string]>([
  [null, "options: must be an object"],
  [{ user: {} }, "user: there is no such setting"],
  [{ demo: true }, "demo: there is no such setting"],
  [{ logLevel: "info" }, "logLevel: there is no such setting"],
  [{ imap: "0" }, "imap: must be a port (0 to 65535) or off, not '0'"],
  [{ imap: 65_536 }, "imap: must be a port (0 to 65535) or off, not 65536"],
  [{ imap: false }, "imap: must be a port (0 to 65535) or off, not false"],
  [{ host: "" }, "host: must be a text, not ''"],
  [{ hostname: "" }, "hostname: must be a host's name, or its IP address, not ''"],
  [{ hostname: "mail example.org" }, "hostname: must be a host's name, or its IP address, not 'mail example.org'"],
  [{ hostname: "mail\r\nX: y" }, "hostname: must be a host's name, or its IP address"],
  [{ memory: 0 }, "memory: must be true or false, not 0"],
  [{ domain: "example.org" }, "domain: must be a list of names, not 'example.org'"],
  [{ strict: "all" }, "strict: must be a list of names, not 'all'"],
  [{ searchIndex: true }, "searchIndex: must be on or off, not true"],
  [{ data: "mail", memory: true }, "data and memory exclude each other"],
  [{ users: [{ address: "a@example.org" }] }, `users: ${USERS}`],
  [{ users: new Map([["a@example.org", "secret"]]) }, `users: ${USERS}`],
  [{ users: { "a@example.org": "" } }, "users.a@example.org: must be a password, or a table of password"],
  [{ users: { "a@example.org": undefined } }, "users.a@example.org: must be a password, or a table of password"],
  [{ users: { "a@example.org": { aliases: [] } } }, "users.a@example.org.password: must be a password"],
  [{ users: { "a@example.org": { password: "x", alias: [] } } }, "users.a@example.org.alias: there is no such setting"],
  [{ limits: null }, "limits: must be a table, not null"],
  [{ limits: { impa: {} } }, "limits.impa: there is no such setting"],
  [{ limits: { imap: { constructor: 1 } } }, "limits.imap.constructor: there is no such setting"],
  [{ log: true }, "log: must have the methods debug, info, warn, error"],
  [{ onStep: 1 }, "onStep: must be a function"],
])("%j", async (options, complaint) => {
  const starting = startPushmail(options as PushmailOptions);
  await expect(starting).rejects.toThrow(complaint);
  await expect(starting).rejects.toBeInstanceOf(StartFault);
});

it.each([
  ["tlsKey", KEY],
  ["tlsKey", `\n${KEY}`],
  ["tlsKey", Buffer.from(KEY)],
  ["tlsCert", KEY],
])("does not repeat a key in place of a path: %s %j", async (name, key) => {
  const starting = startPushmail({ tlsKey: "key.pem", tlsCert: "cert.pem", [name]: key } as PushmailOptions);
  await expect(starting).rejects.toMatchObject({ message: `${name}: must be a path` });
});

it.each(["mail.example.org", "Büro_1", "192.0.2.5", "fe80::1%eth0"])("takes %s as its name", async (hostname) => {
  const off = { smtp: "off", submission: "off", submissions: "off", lmtp: "off", imaps: "off" } as const;
  const server = await startPushmail({ ...off, hostname });
  await server.close();
});

it("is called in ASCII where others read its name", async () => {
  const server = await startPushmail({ hostname: "bücher.example" });
  const greetings = [server.smtp, server.imap].map(async (address) => {
    const socket = connect(address as ListenerAddress);
    const [line] = (await once(createInterface({ input: socket }), "line")) as [string];
    socket.destroy();
    return line;
  });
  const [smtp, imap] = await Promise.all(greetings);
  await server.close();
  // RFC 6531 3.7.1
  expect(smtp).toBe("220 xn--bcher-kva.example ESMTP");
  expect(imap).toMatch(/\] xn--bcher-kva\.example ready$/);
});

it.each<[PushmailOptions, boolean]>([
  [{}, true],
  [{ data: "mail" }, false],
  [{ data: "data" }, false],
  [{ data: "data", memory: false }, false],
  // So `pushmail serve --memory` hands its settings on.
  [{ data: "data", memory: true }, true],
])("keeps mail where it is told to: %j in memory is %j", (options, memory) => {
  const { settings } = optionsGiven(options);
  expect({ memory: settings.memory, data: settings.data }).toEqual({ memory, data: options.data ?? "data" });
});

it("takes what is undefined for left out", async () => {
  const limits = { smtp: { messageBytesMax: undefined } };
  const options = { users: undefined, host: undefined, imap: undefined, data: undefined, log: undefined, limits };
  const server = await startPushmail(options as unknown as PushmailOptions);
  await server.close();
  expect(server.imap).toMatchObject({ host: "127.0.0.1" });
});
