import { expect, it } from "@jest/globals";
import type { FetchSection } from "@pushmail/imap-wire";
import {
  decodeSummary,
  encodeSummary,
  scanMessage,
  type MessageDetails,
  type StoredSummary,
} from "@pushmail/mailstore";
import { FETCH_LIMITS } from "./limits.ts";
import { sectionValues, wantSections } from "./section-values.ts";

const MESSAGE = Buffer.from("Subject: x\r\n\r\nSome words.\r\n");
const PREVIEW: FetchSection = {
  name: "PREVIEW",
  section: { part: [], text: null, fields: [] },
  partial: null,
  peek: true,
};

function stored(preview: string | undefined): MessageDetails {
  const summary = decodeSummary(encodeSummary({ ...scanMessage(MESSAGE), preview })) as StoredSummary;
  return { summary } as MessageDetails;
}

function told(message: MessageDetails, section: FetchSection, octets: readonly Uint8Array[]): unknown {
  const { item } = wantSections(message, [section], FETCH_LIMITS);
  return sectionValues(undefined as never, { item, octets });
}

it("tells a PREVIEW that was made when the message came without reading it", () => {
  const message = stored("Gr\xc3\xbc\xc3\x9fe");
  expect(wantSections(message, [PREVIEW], FETCH_LIMITS).ranges).toEqual([]);
  for (const section of [PREVIEW, { ...PREVIEW, lazy: true } as const]) {
    expect(told(message, section, [])).toEqual([Buffer.from("Grüße")]);
  }
});

it("makes the PREVIEW of a summary without one from the text, but not for who asks lazily (RFC 8970 3.1)", () => {
  const message = stored(undefined);
  const [range] = wantSections(message, [PREVIEW], FETCH_LIMITS).ranges;
  expect(MESSAGE.subarray(range?.start, range?.end).toString()).toBe("Some words.\r\n");
  expect(told(message, PREVIEW, [MESSAGE.subarray(range?.start, range?.end)])).toEqual([Buffer.from("Some words.")]);
  expect(told(message, { ...PREVIEW, lazy: true }, [])).toEqual(["missing"]);
});
