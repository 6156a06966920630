// The points at which a crash leaves something different on disk; docs/storage.md says what and who cleans up.

export type StepName =
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
  | "trim:floor"
  | "trim:removed"
  | "compact:marked"
  | "compact:copied"
  | "compact:removed"
  | "close:begun"
  | "close:checkpointed";

/** Called at each step; crash tests end the process there. */
export type StepListener = (name: StepName) => void;
