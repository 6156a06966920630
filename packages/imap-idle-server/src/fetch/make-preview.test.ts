import { describe, expect, it } from "@jest/globals";
import { scanMessage } from "@pushmail/mailstore";
import { FETCH_LIMITS } from "./limits.ts";
import { locatePreview } from "./make-preview.ts";

function previewOf(message: string | Buffer, limits = FETCH_LIMITS): string {
  const bytes = typeof message === "string" ? Buffer.from(message.replaceAll("\n", "\r\n"), "utf8") : message;
  const { range, pick } = locatePreview(scanMessage(bytes), limits);
  const octets = bytes.subarray(range.start, range.end);
  return Buffer.from(pick === undefined ? octets : pick(octets)).toString("utf8");
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
    expect(previewOf("Subject: x\n\none two", { ...FETCH_LIMITS, previewCharsMax: 4 })).toBe("one");
    const limits = { ...FETCH_LIMITS, previewOctetsMax: 11 };
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
});
