// When the space of expunged mail is given back, and when not.
import type { Log } from "@pushmail/imap-idle-server";
import { TurnQueue, type MailStore } from "@pushmail/mailstore";

/** Gives back the space of expunged mail from time to time, one run after the other; 0 is never. Returns the way to stop. */
export function compactRegularly(store: Pick<MailStore, "compact">, everyMs: number, log: Log): () => void {
  if (everyMs === 0) return () => undefined;
  let running: Promise<void> | undefined;
  let isStopped = false;
  const timer = setInterval(() => {
    running ??= store
      .compact()
      .then((bytes) => log.info({ bytes }, "compaction: space of expunged mail given back"))
      .catch((error: unknown) => {
        // A store that closes breaks it off: that is no failure, and it is not tried again.
        if (!isStopped) log.error({ err: error }, "compaction failed, it is tried again later");
      })
      .finally(() => (running = undefined));
  }, everyMs);
  timer.unref();
  return () => {
    isStopped = true;
    clearInterval(timer);
  };
}

/** Compaction that others may hold for as long as they read files which it would remove. */
export class Compaction {
  readonly #turns = new TurnQueue();
  readonly #compact: () => Promise<number>;

  constructor(compact: () => Promise<number>) {
    this.#compact = compact;
  }

  compact(): Promise<number> {
    return this.#turns.run(this.#compact);
  }

  /** Resolves when none is under way; none begins before what it gives is called. */
  hold(): Promise<() => void> {
    return new Promise((resolve) => void this.#turns.run(() => new Promise<void>((release) => resolve(release))));
  }
}
