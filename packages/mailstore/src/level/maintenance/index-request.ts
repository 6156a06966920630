// Index operations that a repair writes, through the log like any other.
import type { CommitRequest } from "../commit-queue.ts";
import type { Group } from "../group.ts";
import type { KeyIndex, Operation } from "../key-index.ts";
import type { LogPosition } from "../log-writer.ts";
import type { Segments } from "../segments.ts";

/** What maintenance needs of an open driver beside what servers do. */
export interface DriverInside {
  readonly index: KeyIndex;
  readonly segments: Segments;
  /** Where the log ended when it was opened: the index has all of it. */
  readonly openedAt: LogPosition;
  /** Durable when it resolves; very many go in several commits. Heads in memory do not learn of it: only before they are read. */
  write(operations: readonly Operation[]): Promise<void>;
}

export class IndexRequest implements CommitRequest {
  readonly bytes: number;
  readonly heads: readonly [] = [];
  readonly lookups: readonly [] = [];
  readonly #operations: readonly Operation[];
  readonly #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(operations: readonly Operation[], settle: { resolve: () => void; reject: (error: unknown) => void }) {
    this.#operations = operations;
    this.#settle = settle;
    this.bytes = operations.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0) + 16, 64);
  }

  decide(group: Group): void {
    for (const { key, value } of this.#operations) group.put(key, value);
  }

  done(): void {
    this.#settle.resolve();
  }

  failed(error: unknown): void {
    this.#settle.reject(error);
  }
}
