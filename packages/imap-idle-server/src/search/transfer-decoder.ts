// Content-transfer-encodings in pieces (RFC 2045 6): whatever the cuts, together they give what the whole would give.

export type TransferDecoder = (piece: Buffer, options: { readonly isLast: boolean }) => Buffer;

/** A decoder for one body; of an unknown encoding it gives the body itself. */
export function transferDecoder(encoding: string): TransferDecoder {
  switch (encoding.toLowerCase()) {
    case "base64":
      return base64Decoder();
    case "quoted-printable":
      return quotedPrintableDecoder();
    default:
      return (piece) => piece;
  }
}

function base64Decoder(): TransferDecoder {
  let held = "";
  return (piece, { isLast }) => {
    const digits = held + piece.toString("latin1").replace(/[^A-Za-z0-9+/=]+/g, "");
    // Behind padding, which may stand anywhere, it begins anew.
    const runs = digits.split(/=+/);
    const last = runs.pop() ?? "";
    const whole = isLast ? last.length : last.length - (last.length % 4);
    held = last.slice(whole);
    return Buffer.concat([...runs, last.slice(0, whole)].map((run) => Buffer.from(run, "base64")));
  };
}

/** Blanks at the end of a line stand for nothing, where they are few; they are looked at from their first one on alone. */
const ESCAPE = /=(?:([0-9a-f]{2})|[ \t]{0,80}\r?\n)|(?<![ \t])[ \t]{1,80}(?=\r?\n)/gi;
/** What the next piece decides the meaning of; of many blanks so many that they are many with it, too. */
const CUT_ESCAPE = /(?:=[0-9a-f]?|(?:=[ \t]{0,80}|[ \t]{0,81})\r?)$/i;
const LAST_ESCAPE = /(?:=[ \t]{0,80}|(?<![ \t=])[ \t]{1,80})$/;

function quotedPrintableDecoder(): TransferDecoder {
  let held = "";
  return (piece, { isLast }) => {
    const text = held + piece.toString("latin1");
    held = isLast ? "" : (CUT_ESCAPE.exec(text.slice(-100))?.[0] ?? "");
    const whole = isLast ? text.replace(LAST_ESCAPE, "") : text.slice(0, text.length - held.length);
    const decoded = whole.replace(ESCAPE, (_, hex: string | undefined) => {
      return hex === undefined ? "" : String.fromCharCode(Number.parseInt(hex, 16));
    });
    return Buffer.from(decoded, "latin1");
  };
}
