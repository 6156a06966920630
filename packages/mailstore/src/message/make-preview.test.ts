import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MESSAGE_LIMITS } from "./limits.ts";
import { makePreview, previewedPart } from "./make-preview.ts";
import { scanMessage } from "./scan-message.ts";

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8");

function previewOf(message: string | Buffer, limits = MESSAGE_LIMITS): string {
  const bytes = typeof message === "string" ? Buffer.from(message.replaceAll("\n", "\r\n"), "utf8") : message;
  const { preview } = scanMessage(bytes, limits);
  // Made later it is the same.
  expect(preview).toBe(madeLater(bytes, limits));
  return utf8(preview as string);
}

function madeLater(bytes: Buffer, limits = MESSAGE_LIMITS): string {
  const part = previewedPart(scanMessage(bytes, limits).structure);
  if (part === undefined) return "";
  const end = Math.min(part.bodyEnd, part.bodyStart + limits.previewOctetsMax);
  return makePreview(bytes.subarray(part.bodyStart, end), part, limits);
}

const html = (body: string): string => previewOf(`Content-Type: text/html; charset=utf-8\n\n${body}`);

describe("a preview", () => {
  it("is the text with its blanks collapsed, and what is not seen left out", () => {
    expect(previewOf("Subject: x\n\n  Hello,\n\n\tworld\u200b\u00a0\u202e! \n")).toBe("Hello, world !");
    expect(previewOf("Subject: x\n\n")).toBe("");
  });

  it("is that of the first text that is no attachment, plain where there is one", () => {
    const part = (head: string, body: string): string => `--b\n${head}\n\n${body}\n`;
    const parts = [
      part("Content-Type: text/plain\nContent-Disposition: attachment", "attached"),
      part("Content-Type: text/html", "<b>bold</b>"),
      part("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "cGxhaW4="),
    ];
    const of = (some: readonly string[]): string =>
      previewOf(`Content-Type: multipart/mixed; boundary=b\n\n${some.join("")}--b--\n`);
    expect(of(parts)).toBe("plain");
    expect(of(parts.slice(0, 2))).toBe("bold");
    expect(of(parts.slice(0, 1))).toBe("");
    const embedded = part("Content-Type: message/rfc822", "Subject: y\n\nof another message");
    expect(of([embedded])).toBe("");
    expect(of([embedded, ...parts])).toBe("plain");
  });

  it("is left to be made later where the text has gone by before it was known to be one", () => {
    for (const [body, words] of [
      ["--b\nno header\n--b--\n", "no header"],
      ["no part\n", "no part"],
    ] as const) {
      const bytes = Buffer.from(`Content-Type: multipart/mixed; boundary=b\n\n${body}`);
      expect([scanMessage(bytes).preview, madeLater(bytes)]).toEqual([undefined, words]);
    }
  });

  it("of HTML has neither tags nor what is not shown, and its entities as characters", () => {
    expect(
      html("<html><head><title>no</title></head><style>p{}</style><p class='a'>A&amp;B</p>\n<!-- c > -->C<br>D"),
    ).toBe("A&B C D");
    expect(html("&lt;x&gt; &#233;&#xE9; &nbsp;&unknown; &#0;&#xD800;&#9999999;")).toBe("<x> éé &unknown;");
    expect(html("text <script>never ends")).toBe("text");
    expect(html("text <a href=")).toBe("text");
  });

  it("is cut at whole characters, of what is told and of what is read", () => {
    expect(previewOf(`Subject: x\n\n${"é😀".repeat(500)}`)).toBe("é😀".repeat(100));
    expect(previewOf("Subject: x\n\none two", { ...MESSAGE_LIMITS, previewCharsMax: 4 })).toBe("one");
    const limits = { ...MESSAGE_LIMITS, previewOctetsMax: 11 };
    // Without a charset: it would be taken for another where it is no whole UTF-8.
    expect(previewOf("Subject: x\n\nübrig ääää", limits)).toBe("übrig");
  });

  it.each(["<style>", "<!--", "<", "&#", "<p ", "</style>", "<script></scrip"])(
    "of very much %j takes no longer",
    (piece) => {
      const body = piece.repeat(8_192 / piece.length);
      expect(html(body).length).toBeLessThanOrEqual(200);
    },
  );

  it("is what all of the text would give, however little of it is looked at", () => {
    const piece = fc.constantFrom(
      "a ",
      "  ",
      "word",
      "\r\n",
      "é",
      "日",
      "😀",
      "\u200b",
      "<b>",
      "<style>",
      "</style>",
      "&am",
      "p;",
      ".",
    );
    const text = fc
      .array(fc.tuple(piece, fc.nat(60)), { maxLength: 60 })
      .map((runs) => runs.map(([of, times]) => of.repeat(times)).join(""));
    const UNSEEN = /[\s\p{Cc}\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/gu;
    fc.assert(
      fc.property(text, fc.constantFrom("plain", "html"), (body, subtype) => {
        const octets = Buffer.from(body).subarray(0, MESSAGE_LIMITS.previewOctetsMax);
        fc.pre(octets.length < MESSAGE_LIMITS.previewOctetsMax);
        const { structure } = scanMessage(Buffer.from(`Content-Type: text/${subtype}; charset=utf-8\r\n\r\n`));
        const preview = utf8(makePreview(octets, structure, MESSAGE_LIMITS));
        if (subtype === "html") {
          const whole = utf8(makePreview(octets, structure, { ...MESSAGE_LIMITS, previewCharsMax: 10_000 }));
          expect(preview).toBe(Array.from(whole).slice(0, 200).join("").trimEnd());
        } else {
          const words = Array.from(body.replaceAll(UNSEEN, " ").trim());
          expect(preview).toBe(words.slice(0, 200).join("").trimEnd());
        }
      }),
      { numRuns: 300 },
    );
  });
});
