import { describe, expect, it } from "@jest/globals";
import { parseAddresses } from "./addresses.ts";
import { scanMessage } from "./scan-message.ts";
import type { EnvelopeAddress } from "./summary.ts";

/** Addresses as `name <mailbox@host>`, `mailbox@host`, `group:` and `;`. */
function shown(addresses: readonly EnvelopeAddress[]): string[] {
  return addresses.map(({ name, mailbox, host }) => {
    if (host === null) return mailbox === null ? ";" : `${mailbox}:`;
    return name === null ? `${mailbox}@${host}` : `${name} <${mailbox}@${host}>`;
  });
}

const ADDRESSES: readonly (readonly [value: string, addresses: readonly string[]])[] = [
  ["a@b.c", ["a@b.c"]],
  ["Joe Q. Public <john.q.public@example.com>", ["Joe Q. Public <john.q.public@example.com>"]],
  ['"Doe, \\"J\\" John"<j@x>, b@y', ['Doe, "J" John <j@x>', "b@y"]],
  ["=?utf-8?Q?J=C3=BCrgen?=\r\n\t=?utf-8?Q?_M?= <j@x>", ["=?utf-8?Q?J=C3=BCrgen?= =?utf-8?Q?_M?= <j@x>"]],
  // Comments: the name where there is no other.
  ["plain@x.org (The (nested) Comment)", ["The (nested) Comment <plain@x.org>"]],
  ["(a) Name (b) <n@x> (c)", ["Name <n@x>"]],
  ["Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", ["Pete <pete@silly.test>"]],
  ["(only a comment)", []],
  // Groups.
  ["A Group:Ed Jones <joe@where.test>,c@x;", ["A Group:", "Ed Jones <joe@where.test>", "c@x", ";"]],
  ["undisclosed-recipients:;", ["undisclosed-recipients:", ";"]],
  ['"odd: name":a@b; , x@y', ["odd: name:", "a@b", ";", "x@y"]],
  ["open: a@b", ["open:", "a@b", ";"]],
  // Obsolete syntax.
  ["<@hop1,@hop2:user@host>, b@c", ["user@host", "b@c"]],
  ["jdoe @ machine . example, < a . b @ c >", ["jdoe@machine.example", "a.b@c"]],
  [", ,a@b,,", ["a@b"]],
  ["John <@@hop:j@x>", ["John <j@x>"]],
  // Odd local parts and domains.
  ['"quoted @ local"@x, user@[IPv6:2001:db8::1], a@b@c', ["quoted @ local@x", "user@[IPv6:2001:db8::1]", "a@b@c"]],
  ["a@b:25, c@d", ["a@b:25", "c@d"]],
  ["a@[open, b@c", ["a@[open", "b@c"]],
  // Not addresses, or not quite.
  ["root", ["root@"]],
  ["Not An Address", ["Not An Address@"]],
  ["<>", ["@"]],
  ["Name <>", ["Name <@>"]],
  ["n@x <n@x>", ["n@x <n@x>"]],
  // Without brackets: no two words together are the address of a third one.
  ["Ann Bee ann@x, b@y", ["Ann Bee <ann@x>", "b@y"]],
  ['"Bee, A." ann @ x (c)', ["Bee, A. <ann@x>"]],
  ["ann@x.org Ann B@, b@y", ["ann@x.org", "b@y"]],
  ["ann@x.org via List <list@y>", ["ann@x.org via List <list@y>"]],
  ["<ann bee@x>, <ann@x y>", ["ann bee@x", "ann@x y"]],
  ["one <1@x> =?utf-8?q?=2C?= Ann  Bee <2@x> junk", ["one <1@x>", "=?utf-8?q?=2C?= Ann Bee <2@x>"]],
  ["one <1@x> <2@x> junk, three <3@x", ["one <1@x>", "2@x", "three <3@x>"]],
  ["unclosed <u@x, v@y", ["unclosed <u@x>", "v@y"]],
  ["a@x; b@y", ["a@x", "b@y"]],
  ['"open, a@b', ["open, a@b@"]],
  ["a@b (open, c@d", ["open, c@d <a@b>"]],
  ["", []],
  [" \t\r\n", []],
];

describe("addresses", () => {
  it.each(ADDRESSES)("%j", (value, addresses) => {
    expect(shown(parseAddresses(value, 100))).toEqual(addresses);
  });

  it("are at most so many", () => {
    expect(shown(parseAddresses("a@b, c@d, e@f", 2))).toEqual(["a@b", "c@d"]);
    expect(shown(parseAddresses("one <1@x> <2@x>", 1))).toEqual(["one <1@x>"]);
  });
});

describe("the envelope", () => {
  const envelopeOf = (header: string) =>
    scanMessage(Buffer.from(`${header.replaceAll("\n", "\r\n")}\r\n\r\n`)).envelope;

  it("has the fields as they came, unfolded", () => {
    expect(
      envelopeOf(
        "DATE:Sun, 1 Nov 2026 00:00:00 +0000 (comment)  \nSubject : a\n  folded\n\t=?utf-8?Q?x?=\n" +
          "Message-Id: <1@x>\nIn-Reply-To:\n <0@x>\nX-Subject: other\nSubjects: other\nReply-To-Nobody: r@x",
      ),
    ).toMatchObject({
      date: "Sun, 1 Nov 2026 00:00:00 +0000 (comment)",
      subject: "a  folded\t=?utf-8?Q?x?=",
      messageId: "<1@x>",
      inReplyTo: "<0@x>",
      replyTo: [],
    });
  });

  it("tells an empty field from an absent one", () => {
    expect(envelopeOf("Subject:\nMessage-Id: ")).toMatchObject({
      subject: "",
      messageId: "",
      date: null,
      inReplyTo: null,
    });
  });

  it("takes sender and reply-to from From where they are absent or empty", () => {
    const { from, sender, replyTo } = envelopeOf("From: a@b\nSender: ()");
    expect(shown(from)).toEqual(["a@b"]);
    expect([sender, replyTo]).toEqual([from, from]);
    expect(shown(envelopeOf("From: a@b\nReply-To: r@x").replyTo)).toEqual(["r@x"]);
  });

  it("joins repeated address fields and takes the first of all others", () => {
    const envelope = envelopeOf("To: a@b\nSubject: 1\nTo: c@d,\n e@f\nSubject: 2\nCc: x@y (");
    expect(shown(envelope.to)).toEqual(["a@b", "c@d", "e@f"]);
    expect(envelope.subject).toBe("1");
  });

  it("keeps bytes that are no ASCII", () => {
    const header = Buffer.from("Subject: \u00e0\r\nFrom: \u00e9 <\u00fc@x>\r\n\r\n", "utf8");
    const { subject, from } = scanMessage(header).envelope;
    expect(Buffer.from(subject as string, "latin1").toString("utf8")).toBe("\u00e0");
    expect(shown(from)).toEqual(["\u00c3\u00a9 <\u00c3\u00bc@x>"]);
  });
});
