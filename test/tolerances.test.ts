// Each tolerance of docs/clients.md as its clients use it, and the answer to the same where it is done without.
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startPushmail, type ListenerAddress, type Pushmail } from "pushmail";
import { LineClient } from "./support/line-client.ts";
import { ScramClient } from "./support/scram-client.ts";

const USER = "ann@example.org";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

let tolerant: Pushmail;
let strict: Pushmail;

beforeAll(async () => {
  const users = { [USER]: "secret" };
  const limits = { login: { loginDelayMs: 0 }, smtp: { authFailureDelayMs: 0 } };
  tolerant = await startPushmail({ users, limits });
  strict = await startPushmail({ users, limits, strict: ["all"] });
});

afterAll(async () => {
  await Promise.all([tolerant.close(), strict.close()]);
});

/** What the server says last: a line for a line, where it ends no line with a hyphen (RFC 5321 4.2.1). */
async function talk(
  address: ListenerAddress | undefined,
  lines: readonly (string | ((last: string) => string))[],
): Promise<string> {
  const client = await LineClient.connect(address ?? { host: "", port: 0 });
  try {
    let last = await answer(client);
    for (const line of lines) {
      await client.send(typeof line === "string" ? line : `${line(last)}\r\n`, "whole");
      last = await answer(client);
    }
    return last;
  } finally {
    client.destroy();
  }
}

async function answer(client: LineClient): Promise<string> {
  for (;;) {
    const line = await client.line();
    if (line === undefined) throw new Error("the connection has ended");
    if (!/^\d{3}-/.test(line)) return line;
  }
}

interface Case {
  readonly imap?: readonly (string | ((last: string) => string))[];
  readonly submission?: readonly (string | ((last: string) => string))[];
  readonly smtp?: readonly string[];
  readonly taken: RegExp;
  readonly refused: RegExp;
}

function scramSteps(): readonly (string | ((last: string) => string))[] {
  const scram = new ScramClient({ hash: "SHA-256", name: USER, password: "secret", header: "n,a=," });
  const challenge = (last: string): string => Buffer.from(last.replace(/^\+ /, ""), "base64").toString();
  return [
    `a AUTHENTICATE SCRAM-SHA-256 ${base64(scram.first)}\r\n`,
    (last) => (last.startsWith("+ ") ? base64(scram.final(challenge(last))) : "b NOOP"),
    (last) => (last.startsWith("+ ") ? "" : "b NOOP"),
  ];
}

const hello = "EHLO client.example\r\n";
const login = `AUTH PLAIN ${base64(`\0${USER}\0secret`)}\r\n`;
const CASES: Readonly<Record<string, Case>> = {
  loginMechanism: {
    submission: [hello, `AUTH LOGIN ${base64(USER)}\r\n`, `${base64("secret")}\r\n`],
    taken: /^235 /,
    refused: /^500 /,
  },
  plainNameInFront: {
    imap: [`a AUTHENTICATE PLAIN ${base64(`${USER}\0\0secret`)}\r\n`],
    taken: /^a OK /,
    refused: /^a NO \[AUTHENTICATIONFAILED\] /,
  },
  scramEmptyIdentity: { imap: scramSteps(), taken: /^a OK /, refused: /^b OK NOOP/ },
  bareLineEnds: {
    submission: [
      hello,
      login,
      `MAIL FROM:<${USER}>\r\n`,
      `RCPT TO:<${USER}>\r\n`,
      "DATA\r\n",
      "Subject: x\n\nbody\n\r\n.\r\n",
    ],
    taken: /^250 2\.0\.0 /,
    refused: /^554 5\.6\.0 /,
  },
  eightBitHeader: {
    imap: [`a LOGIN ${USER} secret\r\n`, "b APPEND INBOX {15+}\r\nSubject: ü\r\n\r\n\r\n"],
    taken: /^b OK \[APPENDUID /,
    refused: /^b NO Headers beyond ASCII /,
  },
  blankAfterColon: {
    submission: [hello, login, `MAIL FROM: <${USER}>\r\n`],
    taken: /^250 /,
    refused: /^501 /,
  },
  oddDots: { smtp: [hello, "MAIL FROM:<.a..b.@example.net>\r\n"], taken: /^250 /, refused: /^501 / },
};

describe.each(Object.entries(CASES))("%s", (_name, { imap, submission, smtp, taken, refused }) => {
  const ask = (server: Pushmail): Promise<string> => {
    if (imap !== undefined) return talk(server.imap, imap);
    return submission === undefined ? talk(server.smtp, smtp ?? []) : talk(server.submission, submission);
  };

  it("is let pass", async () => {
    expect(await ask(tolerant)).toMatch(taken);
  });

  it("is refused where it is done without", async () => {
    expect(await ask(strict)).toMatch(refused);
  });
});

it("can be done without one by one", async () => {
  const server = await startPushmail({ users: { [USER]: "secret" }, strict: ["blankAfterColon"] });
  try {
    expect(await talk(server.submission, CASES["blankAfterColon"]?.submission ?? [])).toMatch(/^501 /);
    expect(await talk(server.submission, CASES["bareLineEnds"]?.submission ?? [])).toMatch(/^250 /);
    expect(await talk(server.submission, [hello, login, `MAIL FROM:<${USER}> SIZE=1\r\n`])).toMatch(/^250 /);
  } finally {
    await server.close();
  }
});

it("is a name that there is", async () => {
  await expect(startPushmail({ strict: ["everything"] })).rejects.toThrow("strict: there is no tolerance everything");
});

it("announces no mechanism that is done without", async () => {
  const { host, port } = strict.imap ?? { host: "", port: 0 };
  const socket = connect(port, host);
  const [greeting] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(greeting.toString()).toMatch(/ AUTH=PLAIN\]/);
});
