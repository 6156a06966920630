// A search key as a test that is put to a message again and again, each time that more is known of it, until it is
// decided. What is cheap to know decides first.
import type { SearchKey } from "@pushmail/imap-wire";
import { uidSetHas, type FlagSet, type MessageMetadata, type MessageSummary } from "@pushmail/mailstore";
import { soughtGrams, type SoughtGrams, TEXTS_MAX } from "@pushmail/search-index";
import type { Selected } from "../command.ts";
import { emailIdOf } from "../object-ids.ts";
import type { Candidate, Needle, Truth } from "./candidate.ts";
import { ENVELOPE_FIELDS } from "./envelope-fields.ts";
import { foldHeader } from "./fold-header.ts";
import { sentDayMs } from "./sent-day.ts";
import { soughtInBody, soughtInHeader } from "./sought-text.ts";

export interface SearchPlan {
  readonly test: (candidate: Candidate) => Truth;
  /** Whether metadata alone may decide. */
  readonly usesMetadata: boolean;
  /** The texts that only octets can tell of; a candidate's `found` has their order. */
  readonly needles: readonly Needle[];
  /** The texts that an index may rule out; a candidate's `ruledOut` has a bit for each. */
  readonly texts: readonly SoughtGrams[];
}

export interface SearchContext {
  readonly state: Selected;
  readonly nowMs: number;
}

/** A part of the key. Of several, the one with the lowest rank is put first. */
interface Condition {
  readonly rank: number;
  readonly test: (candidate: Candidate) => Truth;
}

interface Draft extends SearchContext {
  usesMetadata: boolean;
  readonly needles: Needle[];
  readonly texts: SoughtGrams[];
}

const RANK = { index: 0, metadata: 1, details: 2, octets: 3 } as const;
const DAY_MS = 86_400_000;

/** Plans a search; the view must be loaded, and numbers are its numbers now. */
export function planSearch(key: SearchKey, context: SearchContext): SearchPlan {
  const draft: Draft = { ...context, usesMetadata: false, needles: [], texts: [] };
  const { test } = compile(key, draft);
  return { ...draft, test };
}

function compile(key: SearchKey, draft: Draft): Condition {
  switch (key.type) {
    case "all":
      return fromIndex(() => true);
    case "flag":
      return fromIndex(flagTest(key.flag, key.set));
    case "modSeq":
      return fromIndex(({ modSeq }) => modSeq >= key.modSeq);
    case "sequence":
    case "uid": {
      const uids = draft.state.view.resolve(key.set, { uid: key.type === "uid" });
      return fromIndex(({ uid }) => uidSetHas(uids, uid));
    }
    case "size":
      return fromMetadata(draft, ({ sizeBytes }) =>
        key.is === "smaller" ? sizeBytes < key.octets : sizeBytes > key.octets,
      );
    case "age": {
      // RFC 5032 3: both take in the very second.
      const limitMs = draft.nowMs - key.seconds * 1000;
      if (key.is === "older") return fromMetadata(draft, ({ internalDateMs }) => internalDateMs <= limitMs);
      return fromMetadata(draft, ({ internalDateMs }) => internalDateMs >= limitMs);
    }
    case "date":
      return key.of === "sent" ? sentCondition(key) : arrivedCondition(key, draft);
    case "objectId":
      // RFC 8474 5.3: no message has a THREADID.
      if (key.of === "thread") return fromIndex(() => false);
      return fromMetadata(draft, ({ emailId }) => emailIdOf(draft.state, emailId) === key.id);
    case "header":
      return headerCondition(key, draft);
    case "body":
    case "text":
      if (key.text === "") return fromIndex(() => true);
      return fromOctets(draft, needle(key.type === "body" ? "body" : "message", key.text));
    case "not": {
      const { rank, test } = compile(key.key, draft);
      return { rank, test: (candidate) => negated(test(candidate)) };
    }
    case "or":
      return join(key.keys, draft, { decidedBy: true });
    case "and":
      return join(key.keys, draft, { decidedBy: false });
  }
}

/** AND, decided by one that is false, or OR, decided by one that is true. */
function join(keys: readonly SearchKey[], draft: Draft, { decidedBy }: { readonly decidedBy: boolean }): Condition {
  const conditions = keys.map((key) => compile(key, draft)).sort((a, b) => a.rank - b.rank);
  const test = (candidate: Candidate): Truth => {
    let joined: Truth = !decidedBy;
    for (const condition of conditions) {
      const truth = condition.test(candidate);
      if (truth === decidedBy) return decidedBy;
      if (truth === undefined) joined = undefined;
    }
    return joined;
  };
  return { rank: conditions.at(-1)?.rank ?? RANK.index, test };
}

function negated(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function fromIndex(test: (candidate: Candidate) => boolean): Condition {
  return { rank: RANK.index, test };
}

function fromMetadata(draft: Draft, test: (metadata: MessageMetadata) => boolean): Condition {
  draft.usesMetadata = true;
  return { rank: RANK.metadata, test: ({ metadata }) => (metadata === undefined ? undefined : test(metadata)) };
}

function fromSummary(test: (summary: MessageSummary) => boolean): Condition {
  return { rank: RANK.details, test: ({ summary }) => (summary === undefined ? undefined : test(summary)) };
}

function fromOctets(draft: Draft, sought: Needle): Condition {
  const at = draft.needles.push(sought) - 1;
  const { inHeader, inBody } = sought;
  const forms = { field: [inHeader], body: [inBody], message: [inHeader, inBody] }[sought.in];
  const grams = soughtGrams("message", ...forms.map(({ folded }) => folded));
  return unlessRuledOut(draft, grams, { rank: RANK.octets, test: ({ found }) => found[at] });
}

/** Puts what an index knows before a test. */
function unlessRuledOut(draft: Draft, grams: SoughtGrams | undefined, { rank, test }: Condition): Condition {
  if (grams === undefined || draft.texts.length === TEXTS_MAX) return { rank, test };
  const bit = 1 << (draft.texts.push(grams) - 1);
  return { rank, test: (candidate) => ((candidate.ruledOut & bit) === 0 ? test(candidate) : false) };
}

/** Flag sets are shared by messages, so that each is asked once. */
function flagTest(flag: string, isSet: boolean): (candidate: Candidate) => boolean {
  if (flag === "\\Recent") return ({ isRecent }) => isRecent === isSet;
  const tested = new WeakMap<FlagSet, boolean>();
  return ({ flags }) => {
    let result = tested.get(flags);
    if (result === undefined) tested.set(flags, (result = flags.has(flag) === isSet));
    return result;
  };
}

type DateKey = Extract<SearchKey, { readonly type: "date" }>;

/** RFC 9051 6.4.4: dates compare without regard to time and zone; INTERNALDATE and SAVEDATE are told in UTC. */
function arrivedCondition(key: DateKey, draft: Draft): Condition {
  return fromMetadata(draft, ({ internalDateMs, saveDateMs }) => {
    const atMs = key.of === "saved" ? saveDateMs : internalDateMs;
    return isOnDay(key, Math.floor(atMs / DAY_MS) * DAY_MS);
  });
}

function sentCondition(key: DateKey): Condition {
  return fromSummary(({ envelope }) => {
    const dayMs = sentDayMs(envelope.date ?? "");
    return dayMs !== undefined && isOnDay(key, dayMs);
  });
}

function isOnDay(key: DateKey, dayMs: number): boolean {
  switch (key.is) {
    case "before":
      return dayMs < key.dayMs;
    case "on":
      return dayMs === key.dayMs;
    case "since":
      return dayMs >= key.dayMs;
  }
}

function headerCondition({ field, text }: Extract<SearchKey, { readonly type: "header" }>, draft: Draft): Condition {
  const read = ENVELOPE_FIELDS.get(field);
  // Whether there is a field at all, even an empty one, only the header itself tells.
  if (read === undefined || text === "") return fromOctets(draft, needle("field", text, field));
  const folded = foldHeader(text);
  const condition = fromSummary(({ envelope }) => foldHeader(read(envelope)).includes(folded));
  return unlessRuledOut(draft, soughtGrams("envelope", folded), condition);
}

function needle(place: Needle["in"], text: string, field = ""): Needle {
  return { in: place, field, inHeader: soughtInHeader(text), inBody: soughtInBody(text) };
}
