// The points at which a crash leaves something different on disk; docs/storage.md says what and who cleans up.

/** Before each operation on a segment file or on the index: every one has its step. */
export type OperationStep =
  | "file:create"
  | "file:read"
  | "file:write"
  | "file:sync"
  | "file:rename"
  | "file:remove"
  | "names:sync"
  | "index:open"
  | "index:read"
  | "index:write"
  | "index:flush"
  | "index:copy";

export type StepName =
  | OperationStep
  | "stage:created"
  | "stage:written"
  | "stage:synced"
  | "segment:created"
  | "commit:decided"
  | "commit:written"
  | "commit:synced"
  | "commit:told"
  | "index:applied"
  | "checkpoint:flushed"
  | "checkpoint:written"
  | "snapshot:saved"
  | "trim:floor"
  | "trim:removed"
  | "compact:marked"
  | "compact:copied"
  | "compact:removed"
  | "close:begun"
  | "close:checkpointed";

/**
 * Called at each step, before an operation with the path it works on. Crash tests end the process there; what a fault
 * test throws before an operation, the operation fails with.
 */
export type StepListener = (name: StepName, path?: string) => void;
