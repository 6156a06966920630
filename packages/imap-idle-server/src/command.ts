// A command is a row in a table: its name, the states that allow it, how it is parsed and what it does.
// `state` is narrowed by `in`, so that a wrong precondition does not compile.
import type { MailboxNameOptions, Frame, ResponseCode, Scanner } from "@pushmail/imap-wire";
import type {
  AccountId,
  AccountInfo,
  Cursor,
  MailboxHandle,
  MailboxId,
  MailStore,
  MessageIndex,
  TaskSlots,
} from "@pushmail/mailstore";
import type { Sasl, SaslChannel } from "@pushmail/sasl";
import type { SearchIndex } from "@pushmail/search-index";
import type { KeptFacts } from "./arrange/kept-facts.ts";
import type { ReadRooms } from "./fetch/read-rooms.ts";
import type { ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { MailboxView } from "./mailbox-view.ts";
import type { ServerMetadata } from "./metadata.ts";
import type { ImapStrictness } from "./tolerances.ts";
import type { Subscription } from "./notify/subscription.ts";
import type { Progress } from "./progress.ts";

/** What the client may do now (RFC 9051 3). */
export type SessionState = NotAuthenticated | Authenticated | Selected | Logout;
export type StateName = SessionState["name"];

export interface NotAuthenticated {
  readonly name: "notAuthenticated";
}
export interface Authenticated {
  readonly name: "authenticated";
  readonly account: AccountInfo;
}
export interface Selected {
  readonly name: "selected";
  readonly account: AccountInfo;
  /** Of this account or of another. */
  readonly handle: MailboxHandle;
  /** What this client was told of the mailbox; use it after `session.index` only. */
  readonly view: MailboxView;
  readonly readOnly: boolean;
}
export interface Logout {
  readonly name: "logout";
}

/** Extensions that a client turns on (RFC 5161). */
export type Extension = "CONDSTORE" | "IMAP4rev2" | "METADATA" | "QRESYNC" | "UIDONLY" | "UTF8=ACCEPT";

/** What a handler sees of its session. */
export interface Session {
  readonly store: MailStore;
  readonly limits: ImapLimits;
  readonly log: Log;
  readonly client: Client;
  readonly sasl: Sasl;
  readonly server: {
    /** What it says of itself (RFC 5464). */
    readonly metadata: ServerMetadata;
    /** Whether a client may go back to before login (RFC 8437). */
    readonly allowsUnauthenticate: boolean;
    /** Undefined where there is none: then searches look at every message. */
    readonly searchIndex: SearchIndex | undefined;
    /** What SORT and THREAD know of messages. */
    readonly facts: KeptFacts;
    /** For the searches that work on summaries and texts. */
    readonly searchSlots: TaskSlots;
    /** For what they read. */
    readonly searchRooms: ReadRooms;
    /** The tolerances that are done without. */
    readonly strict: ImapStrictness;
    /** The current time, in milliseconds since 1970. */
    readonly dateMs: () => number;
  };
  /** Whether and how what the client sends is kept from others. */
  readonly channel: SaslChannel;
  /** For what waits; never set back. */
  now(): number;

  /**
   * Sends a response, in one or several pieces; a string is latin1. Undefined where there is room for more, else a
   * promise to await before the next write. Rejects with `PeerGone` when the client has left.
   */
  write(...output: readonly (string | Uint8Array)[]): Promise<void> | undefined;
  /** Sends what `write` has gathered; while the client does not take more, a promise to await. */
  flush(): Promise<void> | undefined;

  /** The messages of the selected mailbox, with the view made ready. Its rows are good until the next await. */
  index(state: Selected): Promise<MessageIndex>;
  /**
   * Whether the client turned an extension on. With CONDSTORE every FETCH response carries MODSEQ (RFC 7162 3.2), with
   * QRESYNC what is expunged is told as VANISHED (RFC 7162 3.2.10).
   */
  isEnabled(extension: Extension): boolean;
  /** Whether the client takes UTF-8 in strings and headers (RFC 9755 3; RFC 9051 has that in it). */
  readonly acceptsUtf8: boolean;
  /** How mailbox names are written to this client. */
  readonly names: MailboxNameOptions;
  /** Turns an extension on, by ENABLE or by a command that implies it (RFC 7162 3.1). */
  enable(extension: Extension): Promise<void>;
  /**
   * Says that a change is the client's own, so that it is not told of it as news: messages that came into a mailbox, or
   * flags of which the command's own responses tell, or names.
   */
  own(cursor: Cursor, of: OwnChange): void;

  /** Moves to another state; the mailbox that was selected is let go. */
  enter(state: SessionState): void;
  /** What CAPABILITY lists now. */
  capabilities(): readonly string[];
  /** Checks what somebody has shown for himself, with a growing delay after failures. */
  attempt(name: string, check: () => Promise<AccountInfo>): Promise<AccountInfo>;
  /** Enters the authenticated state; refuses where the account has too many sessions. */
  logIn(account: AccountInfo): void;
  /** Goes back to before login, with nothing left of what the account had; compression ends behind the answer. */
  logOut(): void;
  /** Goes on in TLS as soon as the command is answered; false where there is no certificate. */
  startTls(): boolean;
  /** Goes on deflated as soon as the command is answered; false where that is so already. */
  startCompression(): boolean;
  /** How far the command under way is. */
  readonly progress: Progress;
  /** Sends `+` with a text, and waits for the client's next line. */
  askForLine(challenge: string): Promise<string>;
  /** Tells whatever changes at once, until the client says DONE. */
  idle(state: Authenticated | Selected): Promise<void>;
  /** Tells what is new, and from now on what a subscription wants. */
  listen(state: Authenticated | Selected, subscription: Subscription): Promise<void>;
}

/** What a client has changed: messages of a mailbox, or the names of an account. */
export interface OwnChange {
  readonly account: AccountId;
  readonly mailbox?: MailboxId;
}

/** Who is at the other end. */
export interface Client {
  readonly address: string;
  readonly isSecure: boolean;
}

/** A message that comes in a command as a literal (RFC 9051 4.3). */
export interface MessageLiteral {
  readonly sizeBytes: number;
  /** Whether it is a literal8, which may have NUL in it (RFC 3516 4.4). */
  readonly isBinary: boolean;
  /** Asks for the bytes where the client waits for that, and yields them as they come. May be called once. */
  bytes(): AsyncIterable<Uint8Array>;
  /** What stands behind it; known when all of its bytes have come. */
  readonly rest: RestOfCommand;
}

/** A command from some place on, up to its next literal or to its end. What is not taken of it is skipped. */
export interface RestOfCommand {
  readonly frame: Frame;
  /** The literal that it ends with. */
  readonly literal: MessageLiteral | undefined;
}

/** One invocation of a command. */
export interface Call {
  readonly tag: string;
  /** Whether it came as `UID name`. */
  readonly uid: boolean;
  /** The message that follows, in a command with `streamsLiteral`, else undefined. */
  readonly literal: MessageLiteral | undefined;
}

/** How a command ended, where it was neither faulty (`SyntaxFault`) nor refused (`Refusal`). Nothing is a plain OK. */
export interface Completion {
  readonly status: "OK" | "NO";
  /** Such as `TRYCREATE` (RFC 9051 7.1). */
  readonly code?: ResponseCode;
  readonly text?: string;
}

type StateNamed<Name extends StateName> = Extract<SessionState, { readonly name: Name }>;

export interface CommandSpec<Name extends StateName, Args> {
  /** In capitals, as it stands on the wire. */
  readonly name: string;
  readonly in: readonly Name[];
  /** What stands in CAPABILITY because of this command. */
  readonly capability?: string | readonly string[];
  /** Whether `UID name` exists too. */
  readonly uid?: boolean;
  /** Whether it neither takes nor tells message numbers, even where it comes without `UID`. */
  readonly isNumberless?: boolean;
  /** Whether no EXPUNGE may be told until the next command, as its numbers are in use (RFC 9051 7.5.1). */
  readonly holdsExpunge?: boolean;
  /** Whether it expunges and tells so at its end, whatever NOTIFY says. */
  readonly tellsExpunge?: boolean;
  /**
   * Whether a literal is one that `run` takes as a stream, as that of a message. `before` is the text in front of it,
   * without the tag.
   */
  streamsLiteral?(before: string, sizeBytes: number, limits: ImapLimits): boolean;
  /** Reads what stands behind the name, with the space before it; the caller makes sure that nothing more follows. */
  parse(scan: Scanner, call: Call): Args;
  run(session: Session, args: Args, state: StateNamed<Name>, call: Call): Promise<Completion | void>;
}

/** A row of the table. */
export type Command = CommandSpec<StateName, unknown>;

/** Makes a row: the states in `in` are those that `run` gets. */
export function command<const Name extends StateName, Args>(spec: CommandSpec<Name, Args>): Command {
  // The dispatcher checks `in` before it calls `run`, and passes to `run` what `parse` returned.
  return spec as unknown as Command;
}
