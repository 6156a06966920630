// When the space of expunged mail is given back.
import type { Log } from "@pushmail/imap-idle-server";
import type { MailStore } from "@pushmail/mailstore";

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
