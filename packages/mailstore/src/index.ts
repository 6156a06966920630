// The only door to the mail store.
export type * from "./change.ts";
export * from "./ids.ts";
export type * from "./message/summary.ts";
export * from "./refusal.ts";
export type * from "./store.ts";
export * from "./uid-set.ts";
