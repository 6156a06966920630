import type { Log } from "@pushmail/imap-idle-server";
import type { MailStore } from "@pushmail/mailstore";

/** Gives back the space of expunged mail from time to time, one run after the other; returns the way to stop. */
export function compactRegularly(store: Pick<MailStore, "compact">, everyMs: number, log: Log): () => void {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= store
      .compact()
      .then((bytes) => log.info({ bytes }, "compaction: space of expunged mail given back"))
      .catch((error: unknown) => log.error({ err: error }, "compaction failed, it is tried again later"))
      .finally(() => (running = undefined));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
