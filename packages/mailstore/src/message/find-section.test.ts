import { describe, expect, it } from "@jest/globals";
import { findPart, findSection, type SectionText } from "./find-section.ts";
import { scanMessage } from "./scan-message.ts";

// The example of RFC 9051 6.4.5.1, as a message.
const EXAMPLE = Buffer.from(
  `Content-Type: multipart/mixed; boundary=top

--top
Content-Type: text/plain

1
--top
Content-Type: application/octet-stream

2
--top
Content-Type: message/rfc822

Subject: 3
Content-Type: multipart/mixed; boundary=three

--three
Content-Type: text/plain

3.1
--three
Content-Type: application/octet-stream

3.2
--three--
--top
Content-Type: multipart/mixed; boundary=four

--four
Content-Type: image/gif

4.1
--four
Content-Type: message/rfc822
Content-Description: 4.2

Subject: in 4.2
Content-Type: multipart/mixed; boundary=fourtwo

--fourtwo
Content-Type: text/plain

4.2.1
--fourtwo
Content-Type: multipart/alternative; boundary=fourtwotwo

--fourtwotwo
Content-Type: text/plain

4.2.2.1
--fourtwotwo
Content-Type: text/richtext

4.2.2.2
--fourtwotwo--
--fourtwo--
--four--
--top
Content-Type: message/rfc822

Subject: plain

5.1
--top--
`.replaceAll("\n", "\r\n"),
);
const summary = scanMessage(EXAMPLE);

function section(path: string, text: SectionText | null = null): string | undefined {
  const numbers = path === "" ? [] : path.split(".").map(Number);
  const range = findSection(summary, numbers, text);
  return range && EXAMPLE.toString("latin1", range.start, range.end).replaceAll("\r\n", "\n");
}

describe("the sections of a message", () => {
  it("are those of its parts", () => {
    for (const path of ["1", "2", "3.1", "3.2", "4.1", "4.2.1", "4.2.2.1", "4.2.2.2", "5.1"])
      expect(section(path)).toBe(path);
    expect(section("4.2.2")).toMatch(/^--fourtwotwo\n[^]*--fourtwotwo--$/);
    expect(section("4")).toMatch(/^--four\n[^]*--four--$/);
  });

  it("are the message itself, its header and its text", () => {
    const whole = EXAMPLE.toString("latin1").replaceAll("\r\n", "\n");
    expect(section("")).toBe(whole);
    expect(section("", "HEADER")).toBe("Content-Type: multipart/mixed; boundary=top\n\n");
    expect(section("", "TEXT")).toBe(whole.slice("Content-Type: multipart/mixed; boundary=top\n\n".length));
    expect(section("", "MIME")).toBeUndefined();
  });

  it("are the header and text of a message within, and the MIME header of any part", () => {
    expect(section("3", "HEADER")).toBe("Subject: 3\nContent-Type: multipart/mixed; boundary=three\n\n");
    expect(section("3", "TEXT")).toMatch(/^--three\n[^]*--three--$/);
    expect(section("3")).toBe(`${section("3", "HEADER")}${section("3", "TEXT")}`);
    expect(section("3", "MIME")).toBe("Content-Type: message/rfc822\n\n");
    expect(section("4.2", "MIME")).toBe("Content-Type: message/rfc822\nContent-Description: 4.2\n\n");
    expect(section("4.2", "HEADER")).toBe("Subject: in 4.2\nContent-Type: multipart/mixed; boundary=fourtwo\n\n");
    expect(section("4.2.2.1", "MIME")).toBe("Content-Type: text/plain\n\n");
    expect(section("5.1", "MIME")).toBe("Subject: plain\n\n");
    expect(section("5", "TEXT")).toBe("5.1");
  });

  it("are undefined where there is no such part, or no such text of it", () => {
    for (const path of ["0", "6", "1.1", "3.3", "4.2.2.3", "4.2.2.1.1", "5.2", "5.1.1"])
      expect(section(path)).toBeUndefined();
    for (const path of ["1", "4", "4.2.2", "4.2.2.1", "5.1", "9"]) {
      expect(section(path, "HEADER")).toBeUndefined();
      expect(section(path, "TEXT")).toBeUndefined();
    }
    expect(section("9", "MIME")).toBeUndefined();
  });

  it("give a message that is no multipart one part: its body", () => {
    const message = Buffer.from("Subject: x\r\nContent-Type: text/html\r\n\r\nbody");
    const single = scanMessage(message);
    expect(findPart(single, [1])).toBe(single.structure);
    expect(findPart(single, [])).toBeUndefined();
    expect(findSection(single, [1], null)).toEqual({ start: message.length - 4, end: message.length });
    expect(findSection(single, [1], "MIME")).toEqual({ start: 0, end: message.length - 4 });
    expect(findSection(single, [1, 1], null)).toBeUndefined();
    expect(findSection(single, [2], null)).toBeUndefined();
  });

  it("count on in a message that is nothing but another message", () => {
    const message = Buffer.from("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody");
    const outer = scanMessage(message);
    const cut = (path: number[], text: SectionText | null): string | undefined => {
      const range = findSection(outer, path, text);
      return range && message.toString("latin1", range.start, range.end);
    };
    expect(cut([1], null)).toBe("Subject: in\r\n\r\nbody");
    expect(cut([1], "HEADER")).toBe("Subject: in\r\n\r\n");
    expect(cut([1, 1], null)).toBe("body");
    expect(cut([], "TEXT")).toBe("Subject: in\r\n\r\nbody");
  });
});
