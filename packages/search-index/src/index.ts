// The only door to the search index.
export { GramSet } from "./gram-set.ts";
export { SEARCH_INDEX_LIMITS, SEARCH_INDEX_ZEROS, type SearchIndexLimits } from "./limits.ts";
export type { DescribeMessages, DescribeTools } from "./mailbox-follower.ts";
export { openSearchIndex } from "./open-search-index.ts";
export type { SearchIndex, SearchIndexOptions, SearchIndexStatus } from "./open-search-index.ts";
export type { IndexedMessage } from "./pack.ts";
export { TEXTS_MAX } from "./ruled-out.ts";
export { soughtGrams, type SoughtGrams } from "./sought-grams.ts";
