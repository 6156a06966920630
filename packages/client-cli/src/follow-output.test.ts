import { describe, expect, it } from "@jest/globals";
import type { FetchMessageObject } from "imapflow";
import picocolors from "picocolors";
import { renderEvent, renderMail } from "./follow-output.ts";
import type { OutputStyle } from "./follow-output.ts";
import { viewMail } from "./mail-view.ts";

const plain: OutputStyle = {
  json: false,
  full: false,
  nameMailbox: false,
  colors: picocolors.createColors(false),
  columns: undefined,
};
const inbox = { mailbox: "INBOX", uidValidity: "7" };

function fetched(source: string, more: Partial<FetchMessageObject> = {}): FetchMessageObject {
  const bytes = Buffer.from(source.replaceAll("\n", "\r\n"));
  return {
    seq: 1,
    uid: 5,
    internalDate: new Date("2026-11-22T12:30:45Z"),
    size: bytes.length,
    flags: new Set(["\\Recent", "\\Seen"]),
    envelope: {
      subject: "Hello",
      messageId: "<1@x>",
      from: [{ name: "Ann", address: "ann@x.test" }],
      to: [{ address: "bob@x.test" }],
    },
    source: bytes,
    ...more,
  };
}

const alternative = `Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9  and
more
--b
Content-Type: application/pdf; name="report.pdf"
Content-Disposition: attachment; filename="re\u001bport.pdf"
Content-Transfer-Encoding: base64

AAAA
`;

function controls(text: string): readonly string[] {
  return Array.from(text).filter((each) => (each < " " && each !== "\n") || (each >= "\u007f" && each < "\u00a0"));
}

describe("a mail's output", () => {
  it("is one line with time, sender, subject and preview", async () => {
    const line = renderMail(await viewMail(fetched(`${alternative}--b--\n`)), inbox, plain);
    expect(line).toMatch(/^2026-11-2\d \d\d:\d\d:45 {2}Ann <ann@x\.test> {2}Hello {2}café and more$/);
    const named = renderMail(await viewMail(fetched("\nx")), inbox, { ...plain, nameMailbox: true });
    expect(named).toMatch(/^INBOX {2}2026/);
  });

  it("fits a terminal's width", async () => {
    const view = await viewMail(fetched(`\n${"word ".repeat(100)}`, { envelope: { subject: "s".repeat(200) } }));
    const line = renderMail(view, inbox, { ...plain, columns: 130 });
    expect(line.length).toBeLessThanOrEqual(130);
    expect(line).toContain("…");
    expect(renderMail(view, inbox, { ...plain, columns: 40 })).toMatch(/s…$/);
  });

  it("is JSON with everything, the text only in full", async () => {
    const view = await viewMail(fetched(alternative));
    const summary = JSON.parse(renderMail(view, inbox, { ...plain, json: true }));
    expect(summary).toEqual({
      event: "mail",
      ...inbox,
      uid: 5,
      time: "2026-11-22T12:30:45.000Z",
      from: [{ name: "Ann", address: "ann@x.test" }],
      to: [{ name: "", address: "bob@x.test" }],
      subject: "Hello",
      messageId: "<1@x>",
      size: alternative.replaceAll("\n", "\r\n").length,
      flags: ["\\Seen"],
      preview: "café and more",
    });
    const full = JSON.parse(renderMail(view, inbox, { ...plain, json: true, full: true }));
    expect(full).toMatchObject({ text: "café  and\nmore", attachments: ["re\u001bport.pdf"], cut: false });
  });

  it("shows the text in full, and says when there is more", async () => {
    const source = "\nfirst\u001b[2J\n\nlast\n";
    const text = renderMail(await viewMail(fetched(source, { size: 9999 })), inbox, { ...plain, full: true });
    expect(text).toMatch(/^Hello\nFrom: Ann <ann@x\.test>\nTo: bob@x\.test\nDate: .*UID: 5 {2}Size: 9999\n/);
    expect(text).toMatch(/\n\nfirst␛\[2J\n\nlast\n\[the mail goes on\]\n$/);
    const attached = renderMail(await viewMail(fetched(alternative)), inbox, { ...plain, full: true });
    expect(attached).toContain("\nAttachment: re␛port.pdf\n");
  });

  it("makes a hostile header harmless", async () => {
    const hostile = "\u001b]0;owned\u0007\r\nFrom: x\u009b2J";
    const view = await viewMail(
      fetched("\n", { envelope: { subject: hostile, from: [{ name: hostile, address: hostile }] } }),
    );
    for (const style of [plain, { ...plain, json: true }, { ...plain, full: true }]) {
      expect(controls(renderMail(view, { mailbox: hostile, uidValidity: "1" }, style))).toEqual([]);
    }
    expect(renderMail(view, inbox, plain)).not.toContain("\n");
  });

  it("survives what cannot be decoded", async () => {
    const nested = Array.from(
      { length: 1500 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}`,
    );
    const view = await viewMail(fetched(`${nested.join("\n")}\n`));
    expect(view.text).toMatch(/^\[the text cannot be decoded: /);
    const bare = await viewMail({ seq: 1, uid: 1, internalDate: "no date" });
    expect(renderMail(bare, inbox, plain)).toBe("(no time)  (no sender)  (no subject)");
  });
});

describe("an event's output", () => {
  it("names mailbox, message and flags", () => {
    const flags = { event: "flags", uid: 3, flags: ["\\Seen", "x"] } as const;
    expect(renderEvent(flags, "INBOX", plain)).toBe("flags uid 3  \\Seen x");
    expect(renderEvent({ event: "flags", uid: 3, flags: [] }, "INBOX", plain)).toBe("flags uid 3  (none)");
    expect(renderEvent({ event: "expunge", uid: 4 }, "INBOX", { ...plain, nameMailbox: true })).toBe(
      "INBOX  expunge uid 4",
    );
    expect(JSON.parse(renderEvent(flags, "INBOX", { ...plain, json: true }))).toEqual({ ...flags, mailbox: "INBOX" });
  });
});
