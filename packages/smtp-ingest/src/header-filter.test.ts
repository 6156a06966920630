import { expect, it } from "@jest/globals";
import { HeaderFilter } from "./header-filter.ts";

function filter(chunks: readonly string[], headerBytesMax = 10_000): { text: string; received: number } {
  const header = new HeaderFilter(headerBytesMax);
  let text = "";
  for (const chunk of chunks) text += header.push(Buffer.from(chunk)).toString();
  return { text: text + header.finish().toString(), received: header.receivedFields };
}

const MAIL = [
  "Received: from a\r\n\tby b;\r\n Received: is not one here\r\n",
  "return-PATH: <x@y>\r\n  (folded\r\n\tthrice)\r\n",
  "RECEIVED:\r\n from c\r\n",
  "Return-Pathway: stays\r\n",
  "A: 1\r\n",
  "Return-Path:\r\n",
  "\r\n",
  "Received: in the body\r\nReturn-Path: stays\r\n",
];
const KEPT = MAIL.filter((_, i) => i !== 1 && i !== 5).join("");

it("takes out Return-Path and counts Received in the header alone, wherever the input is cut", () => {
  const whole = MAIL.join("");
  expect(filter([whole])).toEqual({ text: KEPT, received: 2 });
  expect(filter(whole.split(""))).toEqual({ text: KEPT, received: 2 });
  for (let cut = 1; cut < whole.length; cut++) {
    expect(filter([whole.slice(0, cut), whole.slice(cut)])).toEqual({ text: KEPT, received: 2 });
  }
});

it("passes what has no header, or ends within it", () => {
  for (const text of ["", "\r\n", "\r\nReturn-Path: x\r\n", "Subject: x\r\n", "ab", "a\r\n"]) {
    expect(filter([text]).text).toBe(text);
    expect(filter(text.split("")).text).toBe(text);
  }
});

it("looks no further than its bound", () => {
  const long = `X: ${"x".repeat(200)}\r\nReceived: one\r\nReturn-Path: stays\r\n\r\n`;
  expect(filter([long], 100)).toEqual({ text: long, received: 0 });
});
