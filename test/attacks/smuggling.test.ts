// Whatever CR, LF, dot and NUL a message has in it, it ends at CR LF . CR LF alone, on every listener and wherever the
// packets are cut: so no second mail hides in a first one. There is no other way to send content: BDAT is not spoken.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ALICE, AttackedServer, PASSWORD } from "../support/attacked-server.ts";
import { LineClient, type Cut } from "../support/line-client.ts";

const LISTENERS = ["smtp", "submission", "lmtp"] as const;
type Listener = (typeof LISTENERS)[number];

/** Up to two of these, in any order. */
const LINE_ENDS = ["", "\r", "\n", "\0"].flatMap((a) => ["", "\r", "\n", "\0"].map((b) => a + b));
const END = "\r\n.\r\n";
/** All that looks like the end of a message, or nearly so, also with a dot more, and is not. */
const VARIANTS = [...new Set(LINE_ENDS)].flatMap((before) =>
  [...new Set(LINE_ENDS)].flatMap((behind) =>
    [".", ".."].map((dots) => `${before}${dots}${behind}`).filter((variant) => variant !== END),
  ),
);
const PLAIN = Buffer.from(`\0${ALICE}\0${PASSWORD}`).toString("base64");

let server: AttackedServer;

beforeAll(async () => {
  server = await AttackedServer.start();
});

afterAll(() => server.stop());

async function repliesOf(client: LineClient, count: number): Promise<string[]> {
  const replies: string[] = [];
  while (replies.length < count) {
    const line = await client.line();
    if (line === undefined) throw new Error(`the connection ended behind ${replies.join(" | ")}`);
    if (line[3] === " ") replies.push(line);
  }
  return replies;
}

async function open(listener: Listener): Promise<LineClient> {
  const client = await LineClient.connect(server.address(listener));
  await repliesOf(client, 1);
  await client.send(`${listener === "lmtp" ? "LHLO" : "EHLO"} client.example\r\n`, "whole");
  await repliesOf(client, 1);
  if (listener === "submission") {
    await client.send(`AUTH PLAIN ${PLAIN}\r\n`, "whole");
    expect(await repliesOf(client, 1)).toEqual([expect.stringMatching(/^235 /)]);
  }
  return client;
}

/** Sends one mail, and behind it a NOOP; the two answers. */
async function sendMail(client: LineClient, content: string, cut: Cut): Promise<string[]> {
  await client.send(`MAIL FROM:<${ALICE}>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\n`, "whole");
  expect((await repliesOf(client, 3)).at(-1)).toMatch(/^354 /);
  await client.send(`${content}${END}NOOP\r\n`, cut);
  return repliesOf(client, 2);
}

describe.each(LISTENERS)("on a listener for %s", (listener) => {
  it.each<Cut>(["whole", "byte by byte"])(
    `none of ${VARIANTS.length} variants ends a message that is sent %s`,
    async (cut) => {
      const client = await open(listener);
      const before = (await server.mails()).length;
      const taken: string[] = [];
      for (const variant of VARIANTS) {
        // Were it the end, the two commands would be answered.
        const content = `x${variant}RSET\r\nVRFY smuggled`;
        const isBare = /\r(?!\n)|(?<!\r)\n/.test(content);
        const isSpoilt = content.includes("\0") || (isBare && listener === "smtp");
        const [answer, next] = await sendMail(client, content, cut);
        expect({ variant, answer, next }).toEqual({
          variant,
          answer: expect.stringMatching(isSpoilt ? /^554 5\.6\.0 / : /^250 2\.0\.0 (Queued|Delivered) /),
          next: "250 2.0.0 OK",
        });
        if (!isSpoilt) taken.push(content);
      }
      // And what was taken is stored in one piece, with line ends that nobody can take for anything else.
      const mails = (await server.mails()).slice(before);
      const stored = taken.map((content) => content.replaceAll("\r\n.", "\r\n").replace(/\r\n|\r|\n/g, "\r\n"));
      expect(mails.map((mail) => mail.slice(mail.indexOf("\r\nx") + 2))).toEqual(stored.map((text) => `${text}\r\n`));
      client.destroy();
    },
  );

  it("a message is the same wherever its packets are cut in two", async () => {
    const client = await open(listener);
    const before = (await server.mails()).length;
    const content = "x\r\n..\r\n...\r\n.. \r\ny";
    const said = `${content}${END}`;
    for (let at = 1; at < said.length; at++) {
      await client.send(`MAIL FROM:<${ALICE}>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\n`, "whole");
      await repliesOf(client, 3);
      await client.send(said.slice(0, at), "whole");
      // The server has read the first part when another connection's command, sent later, is answered.
      const other = await open("smtp");
      await client.send(said.slice(at), "whole");
      expect((await repliesOf(client, 1))[0]).toMatch(/^250 2\.0\.0 /);
      other.destroy();
    }
    const mails = (await server.mails()).slice(before);
    expect(mails).toHaveLength(said.length - 1);
    const bodies = mails.map((mail) => mail.slice(mail.indexOf("\r\nx") + 2));
    expect([...new Set(bodies)]).toEqual(["x\r\n.\r\n..\r\n. \r\ny\r\n"]);
    client.destroy();
  });

  it("there is no BDAT, and nothing is sent by it", async () => {
    const client = await LineClient.connect(server.address(listener));
    await repliesOf(client, 1);
    await client.send(`${listener === "lmtp" ? "LHLO" : "EHLO"} client.example\r\n`, "whole");
    const features: string[] = [];
    do features.push((await client.line()) ?? "250 nothing more");
    while (!features.at(-1)?.startsWith("250 "));
    expect(features.length).toBeGreaterThan(3);
    expect(features.join("\n")).not.toMatch(/CHUNKING|BINARYMIME/i);
    client.destroy();
    const known = await open(listener);
    const before = (await server.mails()).length;
    await known.send(`MAIL FROM:<${ALICE}> BODY=BINARYMIME\r\n`, "whole");
    await known.send(`MAIL FROM:<${ALICE}>\r\nRCPT TO:<${ALICE}>\r\n`, "whole");
    await known.send("BDAT 7 LAST\r\nQUUX 1\r\nBDAT 0 LAST\r\nNOOP\r\n", "whole");
    expect((await repliesOf(known, 7)).map((reply) => reply.slice(0, 3))).toEqual(
      // What BDAT announced was none of it content.
      ["501", "250", "250", "500", "500", "500", "250"],
    );
    expect(await server.mails()).toHaveLength(before);
    known.destroy();
  });
});
