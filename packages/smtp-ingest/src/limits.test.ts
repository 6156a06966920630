// Every bound of a listener, lowered until it is met; and how a listener ends.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, Server, type Socket } from "node:net";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import type { MailStore } from "@pushmail/mailstore";
import type { ListenerKind } from "./incoming-mail.ts";
import { SMTP_LIMITS } from "./limits.ts";
import type { SmtpLimits } from "./limits.ts";
import { TEST_TLS } from "./test-support/certificates.ts";
import { Dialogue, NO_CONTENT } from "./test-support/dialogue.ts";
import { replacing, TestListener } from "./test-support/listener.ts";
import type { SmtpIngestOptions } from "./start-smtp-ingest.ts";

let mx: TestListener;

async function listen(
  limits: Partial<SmtpLimits>,
  options: Partial<SmtpIngestOptions> = {},
  wrap?: (store: MailStore) => MailStore,
): Promise<void> {
  mx = await TestListener.start({ kind: "smtp", limits, ...options }, wrap);
}

afterEach(() => mx.stop());

const HELLO = `
  S: 220 *
  C: HELO client.example
  S: 250 *
`;
const TO_DATA = `
  ${HELLO}
  C: MAIL FROM:<x@example.net>
  C: RCPT TO:<alice@example.org>
  C: DATA
  S: 250 *
  S: 250 *
  S: 354 *
`;
const BYE = `
  C: QUIT
  S: 221 *
  S.
`;

it("hands no more of a mail on than its size allows", async () => {
  let taken = 0;
  const counting = replacing((store) => ({
    stage: (body, options) => {
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const piece of body) {
          taken += piece.length;
          yield piece;
        }
      }
      return store.stage(counted(), { bytesMax: options.bytesMax * 100 });
    },
  }));
  await listen({ messageBytesMax: 1_000 }, {}, counting);
  await mx.play(`
    ${TO_DATA}
    C: ${"x".repeat(500_000)}
    C: .
    S: 552 5.3.4 *
    ${BYE}
  `);
  expect(taken).toBeLessThan(1_500);
});

it("keeps nothing of a mail that nobody gets", async () => {
  let discarded = 0;
  const refusing = replacing((store) => ({
    async stage(...asked) {
      const message = await store.stage(...asked);
      const discard = message.discard.bind(message);
      return Object.assign(message, { discard: () => (discarded++, discard()) });
    },
    append: () => Promise.reject(new Error("the store has no answer")),
  }));
  await listen({}, {}, refusing);
  await mx.play(`
    ${TO_DATA}
    C: text
    C: .
    S: 451 4.3.0 *
    ${BYE}
  `);
  expect(discarded).toBe(1);
});

it("counts recipients, doubles too", async () => {
  await listen({ recipientsMax: 2 });
  await mx.play(`
    ${HELLO}
    C: MAIL FROM:<x@example.net>
    S: 250 *
    C: RCPT TO:<alice@example.org>
    S: 250 *
    C: RCPT TO:<alice@example.org>
    S: 250 *
    C: RCPT TO:<carol@example.org>
    S: 452 4.5.3 Too many recipients
    ${NO_CONTENT}
    ${BYE}
  `);
});

it("counts commands between mails", async () => {
  await listen({ commandsWithoutMailMax: 4 });
  const mail = `
    C: MAIL FROM:<x@example.net>
    S: 250 *
    C: RCPT TO:<alice@example.org>
    S: 250 *
    ${NO_CONTENT}
  `;
  await mx.play(`
    ${HELLO}
    ${mail}
    ${mail}
    C: NOOP
    C: NOOP
    C: NOOP
    C: NOOP
    C: NOOP
    C: NOOP
    S: 250 *
    S: 250 *
    S: 250 *
    S: 250 *
    S: 421 4.7.0 Too many commands
    S.
  `);
});

it.each<[what: string, line: string, answer: string, Partial<SmtpIngestOptions>]>([
  ["commands", "NOOP", "250", {}],
  ["commands in clear", "NOOP", "250", { authInClear: "never" }],
  ["AUTH by no mechanism", "AUTH NONE", "504", {}],
  ["AUTH that is none", "AUTH PLAIN =", "501", {}],
  ["AUTH in clear", "AUTH PLAIN", "538", { authInClear: "never" }],
])("counts %s before a login", async (_, line, answer, options) => {
  await listen({ unauthenticatedCommandsMax: 3 }, { kind: "submission", tls: TEST_TLS, ...options });
  await mx.play(`
    ${HELLO}
    C: ${line}
    S: ${answer} *
    C: ${line}
    S: ${answer} *
    C: ${line}
    S: 421 4.7.0 Too many commands
    S.
  `);
});

it("counts what is said in an AUTH that is called off", async () => {
  await listen({ unauthenticatedCommandsMax: 4 }, { kind: "submission" });
  await mx.play(`
    ${HELLO}
    C: AUTH PLAIN
    S: 334 *
    C: *
    S: 501 *
    C: AUTH PLAIN
    S: 334 *
    C: *
    S: 421 4.7.0 Too many commands
    S.
  `);
});

it("counts the bytes of a command line", async () => {
  await listen({ commandBytesMax: 30 });
  const client = mx.dial();
  await client.play(`
    ${HELLO}
    C: ${"NOOP".padEnd(28, "x")}
    S: 500 5.5.2 *
    C: ${"NOOP".padEnd(29, "x")}
    S: 500 5.5.6 Line too long
    S.
  `);
  const drip = mx.dial();
  await drip.play(HELLO);
  for (let i = 0; i < 31; i++) drip.send("x");
  await drip.play(`
    S: 500 5.5.6 Line too long
    S.
  `);
});

describe("connections", () => {
  it("are counted in all, whether plain, upgraded or gone", async () => {
    await listen({ connectionsMax: 2 }, { tls: TEST_TLS });
    const first = mx.dial();
    await first.play(`
      ${HELLO}
      C: STARTTLS
      S: 220 *
      -- TLS
    `);
    const second = mx.dial();
    await second.play(HELLO);
    await mx.dial().play(`
      S: 421 4.3.2 mx.example.org Too many connections, try again later
      S.
    `);
    await first.play(`
      C: QUIT
      S: 221 *
      S.
    `);
    await admitted(HELLO);
    second.destroy();
    await admitted(HELLO);
  });

  it("are counted by their address", async () => {
    await listen({ connectionsPerAddressMax: 1 });
    const first = mx.dial();
    await first.play(HELLO);
    await mx.dial().play(`
      S: 421 4.7.0 mx.example.org Too many connections from your address
      S.
    `);
    const other = Dialogue.open(mx.port, { localAddress: "127.0.0.2" });
    await other.play(HELLO);
    await first.play(BYE);
    await admitted(HELLO);
  });

  it("give way to newcomers once they are connectionsMax, but not within connectionGraceMs", async () => {
    let nowMs = 0;
    await listen({ connectionsMax: 1, connectionGraceMs: 60_000 }, { now: () => nowMs });
    const first = mx.dial();
    await first.play(HELLO);
    nowMs = 59_999;
    await mx.dial().play("S: 421 4.3.2 *\nS.");
    nowMs = 60_000;
    const second = mx.dial();
    await second.play(HELLO);
    await first.play("S: 421 4.3.2 Too many connections, try again later\nS.");
    await second.play(BYE);
  });

  it("that give way to newcomers of their own address count no more", async () => {
    await listen({ connectionsMax: 1, connectionsPerAddressMax: 2, connectionGraceMs: 0 });
    let before: Dialogue | undefined;
    for (let i = 0; i < 4; i++) {
      const client = mx.dial();
      await client.play(HELLO);
      await before?.play("S: 421 4.3.2 Too many connections, try again later\nS.");
      before = client;
    }
  });

  it("give way in the midst of a mail where nobody else does, but not within dataGraceMs", async () => {
    let nowMs = 0;
    await listen({ connectionsMax: 2, connectionGraceMs: 0, dataGraceMs: 60_000 }, { now: () => nowMs });
    const [slow, slower] = [mx.dial(), mx.dial()];
    await slower.play(TO_DATA);
    nowMs = 1;
    await slow.play(`${TO_DATA}\nC: Subject: slow`);
    nowMs = 59_999;
    await mx.dial().play("S: 421 4.3.2 *\nS.");
    nowMs = 60_001;
    const idle = mx.dial();
    await idle.play(HELLO);
    await slower.play("S: 421 4.3.2 Too many connections, try again later\nS.");
    const newcomer = mx.dial();
    await newcomer.play(HELLO);
    await idle.play("S: 421 4.3.2 *\nS.");
    await slow.play("C: .\nS: 250 2.0.0 *");
    expect(await mx.mails("alice@example.org")).toEqual([expect.stringContaining("Subject: slow")]);
    await newcomer.play(BYE);
  });

  it("do not give way while a mail that has come in whole waits for the store", async () => {
    const slow = slowAppend();
    await listen({ connectionsMax: 1, connectionGraceMs: 0, dataGraceMs: 0 }, {}, slow.wrap);
    const client = mx.dial();
    await client.play(`${TO_DATA}\nC: .`);
    await slow.begun;
    await mx.dial().play("S: 421 4.3.2 *\nS.");
    slow.release();
    await client.play("S: 250 2.0.0 *");
  });

  it("take a place of the room that listeners share, and give it back", async () => {
    let taken = 0;
    const given = deferred();
    const room = { share: () => {}, take: () => ++taken > 0, give: () => given.resolve() };
    await listen({}, { room });
    await mx.play(`${HELLO}${BYE}`);
    await given.promise;
    expect(taken).toBe(1);
  });

  it("count before their handshake", async () => {
    await listen({ connectionsMax: 1 }, { tls: TEST_TLS, implicitTls: true });
    const silent = mx.dial();
    await once(silent.socket, "connect");
    await Dialogue.openTls(mx.port).closed();
    silent.destroy();
  });

  it("give way in the midst of STARTTLS, too", async () => {
    await listen({ connectionsMax: 1, connectionGraceMs: 0 }, { tls: TEST_TLS });
    const accepted: Socket[] = [];
    const onSocket = (message: unknown): void => void accepted.push((message as { readonly socket: Socket }).socket);
    subscribe("net.server.socket", onSocket);
    // It keeps its side open, whatever it is told.
    const stalled = connect({ host: "127.0.0.1", port: mx.port, allowHalfOpen: true });
    stalled.on("error", () => {}).write("HELO client.example\r\nSTARTTLS\r\n");
    let said = "";
    for await (const piece of stalled.iterator({ destroyOnReturn: false })) {
      if (/^220 [^]*^250 [^]*^220 /m.test((said += String(piece)))) break;
    }
    unsubscribe("net.server.socket", onSocket);
    await mx.dial().play(`${HELLO}${BYE}`);
    expect(accepted[0]?.destroyed).toBe(true);
    stalled.destroy();
  });

  it("end before their handshake where the listener does, in the turn in which they came", async () => {
    await listen({}, { tls: TEST_TLS, implicitTls: true });
    const ended = new Promise<void>((resolve) => {
      const end = (): void => process.nextTick(() => void mx.ingest.close().then(resolve));
      subscribe("net.server.socket", end);
      mx.dial().socket.once("close", () => unsubscribe("net.server.socket", end));
    });
    await ended;
    // By then TLS would have begun, which on a socket that is closed ends the process.
    for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  });

  /** Tries until the server has noticed that another connection is gone. */
  async function admitted(script: string): Promise<void> {
    for (let tries = 0; tries < 1_000; tries++) {
      const client = mx.dial();
      const greeting = await client.line();
      if (greeting.startsWith("220")) return client.play(script.replace(/.*220.*\n/, ""));
      await client.closed();
    }
    throw new Error("never admitted");
  }
});

describe("logins", () => {
  const login = (password: string): string =>
    `C: AUTH PLAIN ${Buffer.from(`\0alice@example.org\0${password}`).toString("base64")}`;

  it("may fail so many times", async () => {
    await listen({ authAttemptsMax: 2, authFailureDelayMs: 0 }, { kind: "submission" });
    await mx.play(`
      ${HELLO}
      ${login("wrong")}
      S: 535 5.7.8 *
      ${login("wrong")}
      S: 421 4.7.0 Too many failed logins
      S.
    `);
  });

  it("that fail are answered late, which holds up neither others nor the end of the listener", async () => {
    await listen({ authFailureDelayMs: 3_600_000 }, { kind: "submission" });
    const slow = mx.dial();
    await slow.play(`
      ${HELLO}
      ${login("wrong")}
    `);
    const other = mx.dial();
    await other.play(`
      ${HELLO}
      ${login("secret")}
      S: 235 *
    `);
    for (let tries = 0; tries < 1_000 && !mx.logged.some(({ message }) => message === "login failed"); tries++) {
      await other.play("C: NOOP\nS: 250 *");
    }
    expect(mx.logged).toContainEqual(expect.objectContaining({ level: "warn", message: "login failed" }));
    expect(slow.unread).toBe("");
    const closed = mx.ingest.close();
    await slow.play("S: 421 *\nS.");
    await closed;
  });
});

describe("time-outs", () => {
  it.each<[keyof SmtpLimits, ListenerKind]>([
    ["mailTimeoutMs", "smtp"],
    ["mailTimeoutMs", "lmtp"],
    ["loginTimeoutMs", "submission"],
  ])("end a connection of which nothing came, however busy it is: %s on %s", async (limit, kind) => {
    let nowMs = 0;
    await listen({ [limit]: 60_000, tickMs: 5 }, { kind, now: () => nowMs });
    const client = mx.dial();
    await client.play(`S: 220 *\nC: NOOP\nS: 250 *`);
    nowMs = 59_999;
    await client.play("C: NOOP\nS: 250 *");
    nowMs = 60_000;
    await client.play("S: 421 4.4.2 Nothing came of this connection for too long\nS.");
  });

  it("end nobody whose password is looked at", async () => {
    let nowMs = 0;
    let goOn = (): void => undefined;
    let onAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const slow = replacing((store) => ({
      async authenticate(...attempt) {
        onAsked();
        await held;
        return store.authenticate(...attempt);
      },
    }));
    await listen({ loginTimeoutMs: 60_000, tickMs: 1 }, { kind: "submission", now: () => nowMs }, slow);
    const [idle, client] = [mx.dial(), mx.dial()];
    await idle.play("S: 220 *");
    await client.play(`
      ${HELLO}
      C: AUTH PLAIN ${Buffer.from("\0alice@example.org\0secret").toString("base64")}
    `);
    await asked;
    nowMs = 60_000;
    await idle.play("S: 421 4.4.2 *\nS.");
    goOn();
    await client.play("S: 235 *");
  });

  it("end a silence between commands", async () => {
    await listen({ idleTimeoutMs: 300 });
    await mx.play(`
      ${HELLO}
      S: 421 4.4.2 *
      S.
    `);
  });

  it("end a silence within a mail, which is not stored", async () => {
    await listen({ idleTimeoutMs: 300 });
    await mx.play(`
      ${TO_DATA}
      C: half a mail
      S: 421 4.4.2 *
      S.
    `);
    expect(await mx.mails("alice@example.org")).toEqual([]);
  });

  it("end a mail that takes too long, however busy its client is", async () => {
    await listen({ dataTimeoutMs: 50 });
    const client = mx.dial();
    await client.play(TO_DATA);
    const busy = setInterval(() => client.send("x\r\n"), 5);
    await client.play(`
      S: 421 4.4.2 The message took too long
      S.
    `);
    clearInterval(busy);
    expect(await mx.mails("alice@example.org")).toEqual([]);
  });

  it("end a handshake that does not come", async () => {
    await listen({ idleTimeoutMs: 300 }, { tls: TEST_TLS, implicitTls: true });
    await mx.dial().closed();
  });

  it("do not end the wait for a slow store", async () => {
    const slow = slowAppend();
    await listen({ idleTimeoutMs: 300, dataTimeoutMs: 300 }, {}, slow.wrap);
    const waiting = mx.dial();
    // In one go: however slow this machine is, it is the store that takes its time.
    const commands = ["HELO client.example", "MAIL FROM:<x@example.net>", "RCPT TO:<alice@example.org>", "DATA", "."];
    waiting.send(`${commands.join("\r\n")}\r\n`);
    await slow.begun;
    await waiting.play("S: 220 *\nS: 250 *\nS: 250 *\nS: 250 *\nS: 354 *");
    // One that came later is out of time twice over.
    for (let i = 0; i < 2; i++) await mx.play(`${HELLO}\n S: 421 *\n S.`);
    slow.release();
    await waiting.play("S: 250 2.0.0 *");
    expect(await mx.mails("alice@example.org")).toHaveLength(1);
  });
});

describe("a listener that closes", () => {
  it("says 421 to who is there, takes nobody new, and may be called again", async () => {
    await listen({});
    const idle = mx.dial();
    await idle.play(HELLO);
    const sending = mx.dial();
    await sending.play(`
      ${TO_DATA}
      C: half a mail
    `);
    const closed = mx.ingest.close();
    await idle.play(`
      S: 421 4.3.2 Shutting down
      S.
    `);
    await sending.play(`
      S: 421 4.3.2 Shutting down
      S.
    `);
    await closed;
    const late = mx.dial();
    const [error] = (await once(late.socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    expect(await mx.mails("alice@example.org")).toEqual([]);
    await mx.ingest.close();
  });

  it("answers a mail that has come in whole before it says 421", async () => {
    const slow = slowAppend();
    await listen({}, {}, slow.wrap);
    const client = mx.dial();
    await client.play(`
      ${TO_DATA}
      C: .
    `);
    await slow.begun;
    const closed = mx.ingest.close();
    slow.release();
    await client.play(`
      S: 250 2.0.0 *
      S: 421 4.3.2 Shutting down
      S.
    `);
    await closed;
    expect(await mx.mails("alice@example.org")).toHaveLength(1);
  });

  it("says 421 behind the answer to a mail, whatever else is still to be answered", async () => {
    const held: (() => void)[] = [];
    const holding = replacing((store) => ({
      append: async (messages) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return store.append(messages);
      },
    }));
    await listen({ closeGraceMs: 100_000 }, {}, holding);
    const clients = [mx.dial(), mx.dial()];
    for (const [i, client] of clients.entries()) {
      await client.play(`${TO_DATA}\nC: .`);
      while (held.length <= i) await new Promise(setImmediate);
    }
    const closed = mx.ingest.close();
    for (const client of clients.toReversed()) {
      held.pop()?.();
      await client.play(`
        S: 250 2.0.0 *
        S: 421 4.3.2 Shutting down
        S.
      `);
    }
    await closed;
  });

  it("waits so long for a store that hangs and for clients that stay", async () => {
    const slow = slowAppend();
    await listen({ closeGraceMs: 50 }, {}, slow.wrap);
    const staying = Dialogue.open(mx.port, { allowHalfOpen: true });
    await staying.play(HELLO);
    const delivering = mx.dial();
    await delivering.play(`
      ${TO_DATA}
      C: .
    `);
    await slow.begun;
    await mx.ingest.close();
    await staying.play(`
      S: 421 *
      S.
    `);
    await delivering.closed();
    slow.release();
  });

  it("never began where the port is taken", async () => {
    await listen({});
    const begun = jest.spyOn(globalThis, "setInterval");
    await expect(TestListener.start({ kind: "smtp", port: mx.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(begun).not.toHaveBeenCalled();
    begun.mockRestore();
  });
});

it("the list of local domains is read anew when it is older than localDomainsAgeMaxMs", async () => {
  let nowMs = 0;
  let reads = 0;
  const counting = replacing((store) => ({ accounts: () => (reads++, store.accounts()) }));
  await listen({ localDomainsAgeMaxMs: 60_000 }, { now: () => nowMs }, counting);
  const client = mx.dial();
  await client.play(`${HELLO}\nC: MAIL FROM:<x@example.net>\nS: 250 *`);
  const refused: number[] = [];
  for (nowMs of [1, 2, 59_999, 60_001, 60_002]) {
    await client.play("C: RCPT TO:<nobody@example.net>\nS: 550 5.7.1 *");
    refused.push(reads);
  }
  expect(refused).toEqual([1, 1, 1, 2, 2]);
});

it("connections that wait to be accepted are limits.smtp.backlog", async () => {
  const listening = jest.spyOn(Server.prototype, "listen");
  await listen({ backlog: 123 });
  expect(listening.mock.calls).toEqual([[expect.objectContaining({ backlog: 123 })]]);
  listening.mockRestore();
});

it("who is waited for is looked at every tickMs", async () => {
  const begun = jest.spyOn(globalThis, "setInterval");
  await listen({ tickMs: 12_345 });
  expect(begun.mock.calls).toEqual([[expect.any(Function), 12_345]]);
  begun.mockRestore();
});

it("every bound has a value to begin with", () => {
  for (const value of Object.values(SMTP_LIMITS)) expect(value).toBeGreaterThan(0);
});

interface SlowAppend {
  readonly wrap: (store: MailStore) => MailStore;
  /** Resolves when a mail is to be appended. */
  readonly begun: Promise<void>;
  /** Lets it be. */
  readonly release: () => void;
}

function slowAppend(): SlowAppend {
  const begun = deferred();
  const released = deferred();
  const wrap = replacing((store) => ({
    append: async (messages) => {
      begun.resolve();
      await released.promise;
      return store.append(messages);
    },
  }));
  return { wrap, begun: begun.promise, release: released.resolve };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
