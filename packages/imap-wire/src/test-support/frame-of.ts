// For tests: a frame from the octets of one whole command.
import type { Frame } from "../frame.ts";
import { Framer } from "../framer.ts";
import { DEFAULT_WIRE_LIMITS } from "../limits.ts";
import { Scanner } from "../scanner.ts";
import { SyntaxFault } from "../syntax-fault.ts";

/** Frames a command, without its last line end, with every literal kept; a fault where it is not one. */
export function frameOf(octets: string): Frame {
  const framer = new Framer({ ...DEFAULT_WIRE_LIMITS, literalsMax: 10_000 });
  framer.push(Buffer.from(`${octets}\r\n`, "latin1"));
  for (let event = framer.next(); event !== undefined; event = framer.next()) {
    if (event.type === "frame") return event.frame;
    if (event.type === "fault") throw event.fault;
    framer.keep();
  }
  throw new SyntaxFault("Not a whole command");
}

/** Reads all of a text with one parser. */
export function parseAll<Value>(parse: (scan: Scanner) => Value, octets: string): Value {
  const scan = new Scanner(frameOf(octets));
  const value = parse(scan);
  scan.end();
  return value;
}

/** The fault that `run` ends in, or null; anything else that is thrown goes on. */
export function faultOf(run: () => unknown): SyntaxFault | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof SyntaxFault) return error;
    throw error;
  }
}
