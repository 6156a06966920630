// Address lists as an ENVELOPE shows them: one pass from left to right, which makes the best of whatever stands there.
import { trimBlanks } from "./characters.ts";
import { readComment, readQuoted } from "./quoted-text.ts";
import type { EnvelopeAddress } from "./summary.ts";

/** The addresses of a field's value, at most `addressesMax` of them (RFC 5322 3.4 and 4.4). */
export function parseAddresses(value: string, addressesMax: number): readonly EnvelopeAddress[] {
  return new AddressListReader(value, addressesMax).read();
}

/** What is known of the address that is being read. */
interface OpenAddress {
  /** The words so far, read as a name: with a space where there were blanks. */
  phrase: string;
  /** The last of them, read as an address, in which blanks around dots mean nothing (RFC 5322 4.4). */
  address: string;
  /** What stood before `address`, without a bracket: `Ann Bee ann@example.org`. */
  lead: string;
  /** Where in `address` the last @ outside of quotes stands, or -1. */
  at: number;
  isSpaced: boolean;
  /** Whether the word before ended in a dot or an @ outside of quotes, and whether the address ended before it. */
  isJoint: boolean;
  isOver: boolean;
  comment: string;
  /** What stood before the angle bracket, and what behind it: the name of the next one, where a comma is missing. */
  name: string;
  tail: string;
  /** `route`: among the hops before the address (RFC 5322 4.4), which nobody wants to know. */
  angle: "none" | "open" | "route" | "closed";
}

function newAddress(): OpenAddress {
  return {
    phrase: "",
    address: "",
    lead: "",
    at: -1,
    isSpaced: false,
    isJoint: false,
    isOver: false,
    comment: "",
    name: "",
    tail: "",
    angle: "none",
  };
}

class AddressListReader {
  readonly #value: string;
  readonly #addressesMax: number;
  readonly #addresses: EnvelopeAddress[] = [];
  #inGroup = false;
  #open: OpenAddress = newAddress();

  constructor(value: string, addressesMax: number) {
    this.#value = value;
    this.#addressesMax = addressesMax;
  }

  read(): readonly EnvelopeAddress[] {
    let index = 0;
    while (index < this.#value.length && this.#addresses.length < this.#addressesMax) index = this.#step(index);
    if (this.#addresses.length < this.#addressesMax) this.#endAddress();
    this.#endGroup();
    return this.#addresses;
  }

  /** Takes what begins at `index` and returns where the next begins. */
  #step(index: number): number {
    const open = this.#open;
    switch (this.#value.charAt(index)) {
      case " ":
      case "\t":
      case "\r":
      case "\n":
        open.isSpaced = true;
        return index + 1;
      case '"': {
        const quoted = readQuoted(this.#value, index);
        this.#addWord(quoted.text);
        open.isJoint = false;
        return quoted.end;
      }
      case "(": {
        const comment = readComment(this.#value, index);
        open.comment = trimBlanks(comment.text);
        return comment.end;
      }
      case "<":
        this.#openAngle();
        return index + 1;
      case ">":
        if (open.angle !== "none") open.angle = "closed";
        return index + 1;
      case ",":
        if (open.angle !== "route") this.#endAddress();
        return index + 1;
      case ";":
        this.#endAddress();
        this.#endGroup();
        return index + 1;
      case ":":
        this.#takeColon();
        return index + 1;
      case "@":
        this.#takeAt();
        return index + 1;
      default: {
        const end = endOfWord(this.#value, index);
        this.#addWord(this.#value.slice(index, end));
        return end;
      }
    }
  }

  #addWord(word: string): void {
    const open = this.#open;
    if (open.angle === "route") return;
    const words = open.angle === "closed" ? open.tail : open.phrase;
    const blank = open.isSpaced && words !== "" ? " " : "";
    open.isSpaced = false;
    if (open.angle === "closed") {
      open.tail += `${blank}${word}`;
      return;
    }
    if (blank !== "" && !open.isJoint && !/^[.@]/.test(word)) this.#endPart();
    open.phrase += `${blank}${word}`;
    if (!open.isOver) open.address += word;
    open.isJoint = word.endsWith(".") || word.endsWith("@");
  }

  /** What follows a blank is no more of the same word: the two put together would be the address of somebody else. */
  #endPart(): void {
    const open = this.#open;
    if (open.angle === "open") {
      open.address += " ";
    } else if (open.at >= 0) {
      open.isOver = true;
    } else {
      open.lead = open.phrase;
      open.address = "";
    }
  }

  #openAngle(): void {
    const { angle, phrase, comment, tail } = this.#open;
    if (angle !== "none") this.#endAddress();
    const before = angle === "none" ? { name: phrase, comment } : { name: tail };
    this.#open = { ...newAddress(), ...before, angle: "open" };
  }

  #takeAt(): void {
    const open = this.#open;
    if (open.angle === "open" && open.address === "") open.angle = "route";
    this.#addWord("@");
    if ((open.angle === "none" || open.angle === "open") && !open.isOver) open.at = open.address.length - 1;
  }

  #takeColon(): void {
    const open = this.#open;
    if (open.angle === "route") {
      open.angle = "open";
    } else if (open.angle !== "none" || open.at >= 0 || this.#inGroup) {
      this.#addWord(":");
    } else {
      this.#addresses.push({ name: null, mailbox: open.phrase, host: null });
      this.#inGroup = true;
      this.#open = newAddress();
    }
  }

  #endAddress(): void {
    const { phrase, address, lead, at, comment, name, angle } = this.#open;
    this.#open = newAddress();
    if (angle === "none" && phrase === "") return;
    const shown = name || (at < 0 ? "" : lead) || comment;
    this.#addresses.push({
      name: shown === "" ? null : shown,
      // Without an @ it is a name of this host, or no address at all.
      mailbox: at < 0 ? phrase : address.slice(0, at),
      host: at < 0 ? "" : address.slice(at + 1),
    });
  }

  #endGroup(): void {
    if (this.#inGroup) this.#addresses.push({ name: null, mailbox: null, host: null });
    this.#inGroup = false;
  }
}

const ENDS_WORD: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) =>
  ' \t\r\n"(,:;<>@['.includes(String.fromCharCode(code)) ? 1 : 0,
);

/** Where the word that begins at `index` ends; a domain literal (RFC 5322 3.4.1) is one word, colons included. */
function endOfWord(value: string, index: number): number {
  let end = index + 1;
  if (value[index] !== "[") {
    while (end < value.length && ENDS_WORD[value.charCodeAt(end)] !== 1) end++;
    return end;
  }
  while (end < value.length && !"],>".includes(value[end] as string)) end++;
  return value[end] === "]" ? end + 1 : end;
}
