// Watches over what the driver asks of files and index: a step before each operation, and what the system refuses is
// told in the log, bounded, and thrown as a refusal that every protocol has an answer for.
import { basename } from "node:path";
import { Refusal } from "../refusal.ts";
import type { DriverLog } from "./driver-log.ts";
import type { OperationStep, StepListener } from "./steps.ts";

/** What there is no room for. */
const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
/** What does not work as it should, and may again. */
const FAILING: ReadonlySet<unknown> = new Set(
  ["EIO", "EROFS", "ENXIO", "ENODEV", "ESTALE", "ENOMEM", "EMFILE", "ENFILE", "EACCES", "EPERM"].concat([
    "LEVEL_IO_ERROR",
    "LEVEL_DATABASE_NOT_OPEN",
  ]),
);
/** What no group waits for: that groups are written does not say that these work again. */
const ASIDE: ReadonlySet<OperationStep> = new Set([
  "file:read",
  "file:remove",
  "index:read",
  "index:flush",
  "index:copy",
]);
/** LevelDB passes on what the system said as text alone. */
const FULL_TEXT = /No space left on device|Disk quota exceeded|File too large/;

export interface StorageWatchOptions {
  readonly onStep: StepListener;
  readonly log: DriverLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The same trouble is told again only after so long. */
  readonly troubleLogMs: number;
}

export class StorageWatch {
  readonly #options: StorageWatchOptions;
  /** By code: when it was last told, and how often it came since. */
  readonly #told = new Map<unknown, { readonly atMs: number; untold: number }>();
  #writesFail = false;

  constructor(options: StorageWatchOptions) {
    this.#options = options;
  }

  /** Runs an operation on the file or directory at `path`. */
  async run<T>(step: OperationStep, path: string, operation: () => Promise<T>): Promise<T> {
    try {
      this.#options.onStep(step, path);
      return await operation();
    } catch (error) {
      throw this.#refusalOf(error, step, path) ?? error;
    }
  }

  /** A group is in the log and in the index: whatever trouble there was with writing is over. */
  worked(): void {
    if (!this.#writesFail) return;
    this.#writesFail = false;
    this.#told.clear();
    this.#options.log.info({}, "the storage takes writes again");
  }

  #refusalOf(error: unknown, step: OperationStep, path: string): Refusal | undefined {
    const code = codeOf(error);
    if (!FULL.has(code) && !FAILING.has(code)) return undefined;
    if (!ASIDE.has(step)) this.#writesFail = true;
    this.#tell(error, step, path);
    const [why, text] = FULL.has(code)
      ? (["storeFull", "The server's disk is full, try again later"] as const)
      : (["storeUnavailable", "The server's storage does not work, try again later"] as const);
    return new Refusal(why, text, { cause: naming(path, error as Error) });
  }

  #tell(error: unknown, step: OperationStep, path: string): void {
    const { log, now, troubleLogMs } = this.#options;
    const code = codeOf(error);
    const last = this.#told.get(code);
    const atMs = now();
    if (last !== undefined && atMs - last.atMs < troubleLogMs) {
      last.untold++;
      return;
    }
    this.#told.set(code, { atMs, untold: 0 });
    const { message } = error as Error;
    log.warn({ code, path, step, message, untold: last?.untold ?? 0 }, "the storage refuses");
  }
}

/** Of a read or a write the system does not say which file it was of. */
function naming(path: string, error: Error): Error {
  if (error.message.includes(basename(path))) return error;
  const named = new Error(`${error.message}: ${path}`, { cause: error });
  return Object.assign(named, { code: (error as Reported).code });
}

function codeOf(error: unknown): unknown {
  const { code, message, cause } = (error ?? {}) as Reported;
  const isLevel = String(code).startsWith("LEVEL_");
  return isLevel && FULL_TEXT.test(`${message} ${cause?.message}`) ? "ENOSPC" : code;
}

interface Reported {
  readonly code?: string;
  readonly message?: string;
  readonly cause?: Reported;
}
