// Commands that the grammar allows, made of drawn values by the grammar's own printers.
import {
  NOTIFY_EVENTS,
  printBatchArguments,
  printAclIdentifier,
  printCreateArguments,
  printDateTime,
  printEsearchArguments,
  printFetchArguments,
  printFlagList,
  printGetMetadataArguments,
  printIdParameters,
  printListArguments,
  printMailbox,
  printMessageUrl,
  printNotifyArguments,
  printSearchArguments,
  printSelectParameters,
  printSequenceSet,
  printSetMetadataArguments,
  printSetAclArguments,
  printSortArguments,
  printStatusItems,
  printStoreArguments,
  printString,
  printThreadArguments,
  THREAD_ALGORITHMS,
  type AclIdentifier,
  type FetchItem,
  type PageRange,
  type SearchArguments,
  type SearchKey,
  type SearchReturn,
  type SequenceSet,
} from "@pushmail/imap-wire";
import type { Draw } from "../support/draw.ts";

const NAMES = ["INBOX", "Archive", "a b", "Gr\u00fc\u00dfe", "x/y/z", '"\\', "Other Users/bob@example.org/INBOX"];
const FLAGS = ["\\Seen", "\\Deleted", "\\Flagged", "\\Answered", "\\Draft", "$Label", "kw"];
const TEXTS = ["", "x", "two words", "Gr\u00fc\u00dfe", "line\r\nend", '"\\', "{3}", "subject"];
const ENTRIES = ["/private/comment", "/Shared/comment", "/private/vendor/a/b", "/private/vendor/a/b/c", "/private/a b"];
const TEXT = "From: a@b\r\nSubject: fuzz\r\n\r\ntext\r\n";
const DAY_MS = 86_400_000;

type Maker = (draw: Draw) => string;

/** What may be said before login. */
export const BEFORE_LOGIN: readonly Maker[] = [
  () => "NOOP",
  () => "CAPABILITY",
  (draw) =>
    `ID ${printIdParameters(draw.chance(0.2) ? null : draw.several(0, 3, () => [draw.of(["name", "version"]), draw.of(TEXTS)] as const))}`,
];

/** What may be said after it. */
export const AUTHENTICATED: readonly Maker[] = [
  ...BEFORE_LOGIN,
  (draw) => `SELECT ${name(draw)}`,
  (draw) => `EXAMINE ${name(draw)}${printSelectParameters({ condstore: draw.chance(0.5), known: null })}`,
  (draw) => `CREATE ${printCreateArguments({ mailbox: draw.of(NAMES), uses: [] })}`,
  (draw) => `DELETE ${name(draw)}`,
  (draw) => `RENAME ${name(draw)} ${name(draw)}`,
  (draw) => `SUBSCRIBE ${name(draw)}`,
  (draw) => `UNSUBSCRIBE ${name(draw)}`,
  list,
  (draw) => `LSUB "" ${draw.of(["*", "%", '"a b"'])}`,
  () => "NAMESPACE",
  (draw) =>
    `SETACL ${printSetAclArguments({ ...aclIdentifier(draw), mode: draw.of(["replace", "add", "remove"]), rights: draw.of(["", "l", "lrswipkxtea", "te"]) })}`,
  (draw) => `${draw.of(["DELETEACL", "LISTRIGHTS"])} ${printAclIdentifier(aclIdentifier(draw))}`,
  (draw) => `${draw.of(["GETACL", "MYRIGHTS"])} ${name(draw)}`,
  (draw) =>
    `STATUS ${name(draw)} ${printStatusItems(draw.several(1, 4, () => draw.of(["MESSAGES", "UIDNEXT", "RECENT", "SIZE", "UNSEEN"])))}`,
  append,
  append,
  (draw) => `ENABLE ${draw.of(["CONDSTORE", "QRESYNC", "UIDONLY", "UTF8=ACCEPT", "X-NONE"])}`,
  notify,
  (draw) =>
    `GETMETADATA ${printGetMetadataArguments({ mailbox: draw.of(["", ...NAMES]), entries: draw.several(1, 3, () => draw.of(ENTRIES)), depth: draw.of(["0", "1", "INFINITY"]), maxSize: draw.chance(0.3) ? draw.below(9) : null })}`,
  ...Array<Maker>(2).fill(
    (draw) =>
      `SETMETADATA ${printSetMetadataArguments(
        draw.of(["", ...NAMES]),
        draw.several(1, 3, () => [draw.of(ENTRIES), draw.chance(0.3) ? null : draw.of(TEXTS)] as const),
      )}`,
  ),
  (draw) =>
    `ESEARCH ${printEsearchArguments({ sources: [{ type: draw.of(["inboxes", "personal", "subscribed"]) }], search: search(draw) })}`,
];

/** What may be said where a mailbox is selected. */
export const SELECTED: readonly Maker[] = [
  ...AUTHENTICATED,
  () => "CHECK",
  () => "EXPUNGE",
  (draw) =>
    `UIDBATCHES ${printBatchArguments({ size: 1 + draw.below(9_999), batches: draw.chance(0.5) ? [1 + draw.below(9), 9 + draw.below(99)] : null })}`,
  ...Array<Maker>(6).fill(
    (draw) =>
      `UID FETCH ${set(draw)} ${printFetchArguments({ items: draw.several(1, 4, () => fetchItem(draw)), changedSince: draw.chance(0.2) ? draw.below(99) : null, vanished: false, partial: draw.chance(0.2) ? page(draw) : null })}`,
  ),
  ...Array<Maker>(3).fill(store),
  ...Array<Maker>(4).fill((draw) => `${draw.of(["", "UID "])}SEARCH ${printSearchArguments(search(draw))}`),
  (draw) => `CANCELUPDATE ${draw.several(1, 2, () => printString(draw.of(TEXTS))).join(" ")}`,
  (draw) => `UID COPY ${set(draw)} ${name(draw)}`,
  (draw) => `UID MOVE ${set(draw)} ${name(draw)}`,
  (draw) => `UID EXPUNGE ${set(draw)}`,
  (draw) =>
    `UID SORT ${printSortArguments({ ...search(draw), charset: "UTF-8", criteria: draw.several(1, 3, () => ({ key: draw.of(["ARRIVAL", "DATE", "SUBJECT", "FROM", "SIZE"]), reverse: draw.chance(0.5) })) })}`,
  (draw) =>
    `UID THREAD ${printThreadArguments({ ...search(draw), charset: "UTF-8", algorithm: draw.of(THREAD_ALGORITHMS) })}`,
];

/** What goes back to before login, and on from there. */
export const LOGGING_IN_AGAIN: readonly Maker[] = [
  ...Array<Maker>(4).fill(() => "UNAUTHENTICATE"),
  ...Array<Maker>(8).fill(() => "LOGIN alice@example.org secret"),
];

function name(draw: Draw): string {
  return printMailbox(draw.of(NAMES));
}

function aclIdentifier(draw: Draw): AclIdentifier {
  return {
    mailbox: draw.of(NAMES),
    identifier: draw.of(["anyone", "-anyone", "alice@example.org", "x", "Gr\u00fc\u00dfe"]),
  };
}

function set(draw: Draw): string {
  return printSequenceSet(sequenceSet(draw));
}

function sequenceSet(draw: Draw): SequenceSet {
  if (draw.chance(0.1)) return "$";
  const end = (): number | "*" => (draw.chance(0.2) ? "*" : 1 + draw.below(draw.of([5, 100, 2 ** 32 - 1])));
  return draw.several(1, 4, () => [end(), end()] as const);
}

function list(draw: Draw): string {
  const extended = draw.chance(0.5);
  const status = extended && draw.chance(0.5) ? (["MESSAGES", "UIDNEXT"] as const) : null;
  return `LIST ${printListArguments({
    extended,
    selections: extended && draw.chance(0.5) ? ["SUBSCRIBED", "RECURSIVEMATCH"] : [],
    reference: draw.of(["", "", "x/"]),
    patterns: draw.several(1, extended ? 3 : 1, () => draw.of(["*", "%", "x/%", "*/z", "INBOX", "a b"])),
    returns: extended && draw.chance(0.5) ? ["CHILDREN", "MYRIGHTS", "SUBSCRIBED"] : [],
    status,
    metadata: extended && draw.chance(0.3) ? draw.several(1, 2, () => draw.of(ENTRIES)) : null,
  })}`;
}

function append(draw: Draw): string {
  const flags = draw.chance(0.5) ? `${printFlagList(draw.several(0, 3, () => draw.of(FLAGS)))} ` : "";
  const date = draw.chance(0.3) ? `${printDateTime(draw.below(20_000) * DAY_MS, draw.below(1_000) - 500)} ` : "";
  const before = `APPEND ${name(draw)} ${flags}${date}`;
  const text = `{${TEXT.length}+}\r\n${TEXT}`;
  const piece = (): string => draw.of([`TEXT ${text}`, `UTF8 (~${text})`, `URL "${messageUrl(draw)}"`]);
  if (draw.chance(0.3)) return `${before}CATENATE (${draw.several(1, 3, piece).join(" ")})`;
  return before + draw.of([text, `UTF8 (~${text})`]);
}

function messageUrl(draw: Draw): string {
  return printMessageUrl({
    mailbox: draw.of(NAMES),
    uidValidity: draw.chance(0.2) ? 1 + draw.below(99) : null,
    uid: 1 + draw.below(5),
    section: { part: draw.several(0, 2, () => 1 + draw.below(3)), text: draw.of([null, "HEADER", "TEXT"]), fields: [] },
    partial: draw.chance(0.3) ? { offset: draw.below(2 ** 33), octets: 1 + draw.below(99) } : null,
  });
}

function store(draw: Draw): string {
  return `UID STORE ${set(draw)} ${printStoreArguments({
    unchangedSince: draw.chance(0.2) ? draw.below(99) : null,
    mode: draw.of(["replace", "add", "remove"]),
    silent: draw.chance(0.5),
    flags: draw.several(0, 3, () => draw.of(FLAGS)),
  })}`;
}

function notify(draw: Draw): string {
  if (draw.chance(0.3)) return `NOTIFY ${printNotifyArguments({ groups: [], status: false })}`;
  const events = ["MessageNew", "MessageExpunge", ...draw.several(0, 2, () => draw.of(NOTIFY_EVENTS.slice(4)))];
  const personal = { mailboxes: { type: "personal" }, events: [...new Set(events)], fetch: [] } as const;
  const subtree = {
    mailboxes: { type: "subtree", names: draw.several(1, 2, () => draw.of(NAMES)) },
    events: [],
    fetch: [],
  } as const;
  return `NOTIFY ${printNotifyArguments({ groups: draw.chance(0.5) ? [personal] : [personal, subtree], status: draw.chance(0.5) })}`;
}

function fetchItem(draw: Draw): FetchItem {
  const names = ["BODY", "BODYSTRUCTURE", "EMAILID", "ENVELOPE", "FLAGS", "INTERNALDATE", "MODSEQ", "UID"] as const;
  if (draw.chance(0.6)) return draw.of(names);
  const part = draw.several(0, 2, () => 1 + draw.below(3));
  const text = draw.of(["HEADER", "HEADER.FIELDS", "TEXT", null] as const);
  const section = {
    part,
    text,
    fields: text === "HEADER.FIELDS" ? draw.several(1, 2, () => draw.of(["From", "X Y", "a"])) : [],
  };
  const partial = draw.chance(0.3) ? { offset: draw.below(2 ** 33), octets: 1 + draw.below(99) } : null;
  return { name: "BODY", section, partial, peek: draw.chance(0.5) };
}

function page(draw: Draw): PageRange {
  const sign = draw.of([1, -1]);
  const end = (): number => sign * (1 + draw.below(draw.of([5, 2 ** 32 - 1])));
  return { first: end(), last: end() };
}

function search(draw: Draw): SearchArguments {
  const returns: SearchReturn[] = draw.several(0, 2, () => draw.of(["CONTEXT", "COUNT", "MAX", "MIN"] as const));
  if (draw.chance(0.3)) returns.push({ update: draw.several(0, 2, () => fetchItem(draw)) });
  returns.push(draw.chance(0.3) ? { partial: page(draw) } : "ALL");
  return { returns: draw.chance(0.5) ? returns : null, charset: "UTF-8", key: searchKey(draw, 3) };
}

function searchKey(draw: Draw, depth: number): SearchKey {
  const below = (): SearchKey => searchKey(draw, depth - 1);
  if (depth > 0 && draw.chance(0.5)) {
    return draw.of<() => SearchKey>([
      () => ({ type: "not", key: below() }),
      () => ({ type: "or", keys: [below(), below()] }),
      () => ({ type: "and", keys: draw.several(2, 3, below) }),
    ])();
  }
  return draw.of<() => SearchKey>([
    () => ({ type: "all" }),
    () => ({ type: "flag", flag: draw.of(FLAGS), set: draw.chance(0.5) }),
    () => ({ type: "header", field: draw.of(["from", "subject", "x-a"]), text: draw.of(TEXTS) }),
    () => ({ type: draw.of(["body", "text"]), text: draw.of(TEXTS) }),
    () => ({ type: "size", is: draw.of(["larger", "smaller"]), octets: draw.below(2 ** 40) }),
    () => ({ type: "age", is: draw.of(["older", "younger"]), seconds: 1 + draw.below(2 ** 31) }),
    () => ({
      type: "date",
      of: draw.of(["received", "sent"]),
      is: draw.of(["before", "on", "since"]),
      dayMs: draw.below(20_000) * DAY_MS,
    }),
    () => ({ type: "modSeq", modSeq: draw.below(99) }),
    () => ({ type: "uid", set: sequenceSet(draw) }),
  ])();
}
