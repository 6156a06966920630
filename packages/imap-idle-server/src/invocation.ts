// From a frame to the row of the table that carries it out.
import { readCommandLine, SyntaxFault, uidRequired, type Frame, type Scanner } from "@pushmail/imap-wire";
import { endIfGone, mayRead } from "./access.ts";
import type { Command, Completion, MessageLiteral, Session, SessionState, StateName } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";
import type { ImapLimits } from "./limits.ts";
import { isByUid } from "./response-form.ts";

export interface Invocation {
  readonly tag: string;
  /** As it came, in capitals: `FETCH` or `UID FETCH`. */
  readonly name: string;
  readonly row: Command;
  /** Whether it came as `UID name`. */
  readonly uid: boolean;
  /** The whole, from its name on. */
  readonly text: string;
  /** Stands behind the name. */
  readonly scan: Scanner;
}

const UID = "UID ";
/** As much of a command as is logged. */
const LOGGED_CHARS_MAX = 200;

/** The command of a frame; throws a fault where there is none of that name, or where no frame could be made. */
export function readInvocation(frame: Frame | SyntaxFault, limits: ImapLimits): Invocation {
  if (frame instanceof SyntaxFault) throw frame;
  const { tag, name, scan } = readCommandLine(frame, limits.wire);
  const uid = name.startsWith(UID);
  const row = COMMANDS.get(uid ? name.slice(UID.length) : name);
  if (row === undefined || (uid && row.uid !== true)) throw new SyntaxFault(`Unknown command ${name}`);
  return { tag, name, row, uid, text: frame.text.slice(tag.length + 1), scan };
}

/** Whether the last literal of an unfinished command is the message that it takes as a stream. */
export function streamsLiteral(frame: Frame, limits: ImapLimits): boolean {
  const literal = frame.literals.at(-1);
  if (literal === undefined) return false;
  try {
    const { tag, row } = readInvocation(frame, limits);
    const before = frame.text.slice(tag.length + 1, literal.start);
    return row.streamsLiteral?.(before, literal.octets, limits) ?? false;
  } catch (error) {
    // What is wrong with it is said when it is complete.
    if (error instanceof SyntaxFault) return false;
    throw error;
  }
}

/** Carries a command out, where the state and the grammar allow it. */
export function carryOut(
  session: Session,
  state: SessionState,
  { name, row, tag, uid, text, scan }: Invocation,
  literal: MessageLiteral | undefined,
): Promise<Completion | void> {
  if (!row.in.includes(state.name)) throw new SyntaxFault(`${name} is not possible ${whereabouts(row, state.name)}`);
  // Before login passwords are said.
  if ("account" in state) {
    const { address } = state.account;
    session.log.trace?.({ account: address, command: text.slice(0, LOGGED_CHARS_MAX) }, "command");
  }
  if (state.name === "selected" && !mayRead(state)) endIfGone(state);
  const call = { tag, uid, literal };
  scan.acceptsUtf8 = session.acceptsUtf8;
  scan.isUidOnly = isByUid(session);
  // RFC 9586 3.2, 3.8
  if (scan.isUidOnly && row.uid === true && !uid && row.isNumberless !== true) throw uidRequired();
  const args = row.parse(scan, call);
  scan.end();
  session.progress.begin(tag);
  return row.run(session, args, state, call);
}

/** Whether its numbers are in use, so that no EXPUNGE may be told at its end (RFC 9051 7.5.1). */
export function holdsExpunge({ row, uid }: Invocation): boolean {
  return row.holdsExpunge === true && !uid;
}

/** For what is wrong with a command in a state that does not allow it. */
function whereabouts(row: Command, state: StateName): string {
  if (state === "notAuthenticated") return "before login";
  return row.in.includes("selected") ? "while no mailbox is selected" : "after login";
}
