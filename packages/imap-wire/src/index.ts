// IMAP grammar: bytes to typed values and back. Pure: no I/O, no clock, no imports from outside the package.
export type { BatchArguments } from "./batch-arguments.ts";
export { parseBatchArguments, printBatchArguments, printUidBatches } from "./batch-arguments.ts";
export type { AclEntry, AclIdentifier, ListRightsEntry, MyRightsEntry, SetAclArguments } from "./acl.ts";
export {
  parseAclIdentifier,
  parseSetAclArguments,
  printAcl,
  printAclIdentifier,
  printListRights,
  printMyRights,
  printSetAclArguments,
} from "./acl.ts";
export type { BodyPartData, ParameterData, Revision } from "./body-structure.ts";
export { dependsOnRevision, EMPTY_MULTIPART, isMultipart, printBody, printBodyStructure } from "./body-structure.ts";
export type { CommandLine } from "./command-line.ts";
export { readCommandLine } from "./command-line.ts";
export type { CreateArguments } from "./create-arguments.ts";
export { parseCreateArguments, printCreateArguments } from "./create-arguments.ts";
export type { DateTime } from "./date-time.ts";
export { parseDate, parseDateTime, printDate, printDateTime } from "./date-time.ts";
export type { EnvelopeAddressData, EnvelopeData } from "./envelope.ts";
export { printEnvelope } from "./envelope.ts";
export type { EsearchArguments } from "./esearch-arguments.ts";
export { parseEsearchArguments, printEsearchArguments } from "./esearch-arguments.ts";
export type { FetchArguments, FetchAttribute, FetchItem, FetchSection } from "./fetch-item.ts";
export { parseFetchArguments, printFetchArguments, printFetchItem, printFetchLabel } from "./fetch-item.ts";
export { parseFlag, parseFlagList, printFlagList } from "./flags.ts";
export type { Frame, FrameEvent, Literal } from "./frame.ts";
export { Framer } from "./framer.ts";
export type { IdParameters } from "./id-parameters.ts";
export { parseIdParameters, printIdParameters } from "./id-parameters.ts";
export type { WireLimits } from "./limits.ts";
export { DEFAULT_WIRE_LIMITS } from "./limits.ts";
export type { ListArguments, ListReturn, ListSelection } from "./list-arguments.ts";
export { parseListArguments, printListArguments } from "./list-arguments.ts";
export { matchesListPattern } from "./list-pattern.ts";
export type { MailboxNameOptions } from "./mailbox-name.ts";
export {
  decodeModifiedUtf7,
  encodeModifiedUtf7,
  parseListMailbox,
  parseMailbox,
  printMailbox,
} from "./mailbox-name.ts";
export type {
  GetMetadataArguments,
  MetadataDepth,
  MetadataOptions,
  MetadataValue,
  SetMetadataArguments,
} from "./metadata.ts";
export {
  parseGetMetadataArguments,
  parseSetMetadataArguments,
  printGetMetadataArguments,
  printMetadata,
  printMetadataChanged,
  printSetMetadataArguments,
} from "./metadata.ts";
export type { MessageUrl } from "./message-url.ts";
export { parseMessageUrl, printMessageUrl } from "./message-url.ts";
export type { EventGroup, MailboxSpecifier, NotifyArguments, NotifyEvent } from "./notify-arguments.ts";
export { NOTIFY_EVENTS, parseNotifyArguments, printNotifyArguments } from "./notify-arguments.ts";
export type { PageRange } from "./page-range.ts";
export { pageOf, parsePageRange, printPageRange } from "./page-range.ts";
export type { QuotaResource } from "./quota.ts";
export { printQuota, printQuotaRoot } from "./quota.ts";
export type { CommandStatus, MailboxEntry, StatusEntry, UntaggedStatus } from "./response.ts";
export {
  printCapability,
  printContinuation,
  printEnabled,
  printExists,
  printExpunge,
  printFetchHead,
  printFlags,
  printId,
  printList,
  printLiteral8Head,
  printLiteralHead,
  printNamespace,
  printRecent,
  printStatus,
  printTagged,
  printUidFetchHead,
  printUntagged,
  printVanished,
} from "./response.ts";
export type { ResponseCode } from "./response-code.ts";
export { printResponseCode } from "./response-code.ts";
export { Scanner } from "./scanner.ts";
export type { SearchArguments, SearchKey } from "./search-key.ts";
export { parseSearchArguments, printSearchArguments, printSearchKey, SEARCH_CHARSETS } from "./search-key.ts";
export type { EsearchHead, PartialReturn, SearchReturn, UpdateReturn } from "./search-return.ts";
export { parseSearchReturns, partialOf, printEsearchHead, printSearchReturns, updateOf } from "./search-return.ts";
export type { PartialRange, Section, SectionText } from "./section.ts";
export { parsePartial, parseSection, printPartial, printSection } from "./section.ts";
export type { KnownState, SelectParameters } from "./select-parameters.ts";
export { parseSelectParameters, printSelectParameters } from "./select-parameters.ts";
export type { NumberRange, SequenceNumber, SequenceRange, SequenceSet } from "./sequence-set.ts";
export { parseSequenceSet, printSequenceSet, resolveSequenceSet, uidRequired } from "./sequence-set.ts";
export type { SortArguments, SortCriterion, SortKey, ThreadAlgorithm, ThreadArguments } from "./sort-arguments.ts";
export {
  parseSortArguments,
  parseThreadArguments,
  printSortArguments,
  printThreadArguments,
  THREAD_ALGORITHMS,
} from "./sort-arguments.ts";
export type { StatusItem } from "./status-item.ts";
export { parseStatusItems, printStatusItems } from "./status-item.ts";
export type { StoreArguments } from "./store-arguments.ts";
export { parseStoreArguments, printStoreArguments } from "./store-arguments.ts";
export { latin1ToUtf8, printAstring, printNstring, printString, utf8ToLatin1 } from "./string.ts";
export { SyntaxFault } from "./syntax-fault.ts";
export { tagOf } from "./tag.ts";
