// `pushmail serve`: the server as a process of its own, from its settings to its end.
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import type { CliCommand, CliIo } from "@pushmail/client-cli";
import type { Logger } from "pino";
import { openDemo } from "./demo.ts";
import { createLogger } from "./logger.ts";
import { readSettings } from "./read-settings.ts";
import { defaultLimits, listenerNames, mergeLimits } from "./settings.ts";
import { type Pushmail, startPushmail } from "./start.ts";
import { reasonOf, StartFault } from "./start-fault.ts";
import { untilStopped } from "./stop-signal.ts";
import { serveUsage } from "./usage.ts";

export const serve: CliCommand = { name: "serve", summary: "run the server", usage: serveUsage(), run };

async function run(args: readonly string[], io: CliIo): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    io.stdout.write(serve.usage);
    return 0;
  }
  try {
    return await serveUntil(io.signal, args, io);
  } catch (error) {
    // What the system does not do needs no stack.
    const isTold = error instanceof StartFault || (error as NodeJS.ErrnoException).syscall !== undefined;
    if (!isTold) throw error;
    io.stderr.write(`pushmail serve: ${reasonOf(error as Error)}\n`);
    return 1;
  }
}

async function serveUntil(stop: AbortSignal, args: readonly string[], io: CliIo): Promise<number> {
  const { log: format, logLevel, demo, ...settings } = await readSettings(args, io.env);
  if (listenerNames.every((name) => settings[name] === "off")) throw new StartFault("every listener is off");
  // Where many objects of a kind have lasted, V8 makes the next ones in old space, and where they do not last that fills
  // with garbage: under load two to four times as fast as without (docs/performance.md).
  setFlagsFromString("--no-allocation-site-pretenuring");
  const log = await createLogger({ log: format, logLevel });
  // A long recovery is begun again by the next start.
  const starting = untilStopped(stop, () => startPushmail({ ...settings, log }));
  // While it starts, too: whoever renews a certificate does not look.
  process.on("SIGHUP", () => {
    starting.then(
      (pushmail) => reloadCertificate(pushmail, log),
      () => undefined,
    );
  });
  const pushmail = await starting;
  try {
    const welcome = demo ? await untilStopped(stop, () => openDemo(pushmail, settings)) : "";
    const addresses = Object.fromEntries(listenerNames.map((name) => [name, pushmail[name]]));
    io.stdout.write(`ready ${JSON.stringify({ ...addresses, pid: process.pid })}\n`);
    io.stderr.write(welcome);
    if (!stop.aborted) await once(stop, "abort");
    log.info({ signal: stop.reason }, "closing");
  } finally {
    await closeInTime(pushmail, mergeLimits(defaultLimits, settings.limits).process.closeMs, log);
  }
  return 0;
}

async function reloadCertificate(pushmail: Pushmail, log: Logger): Promise<void> {
  try {
    await pushmail.reloadCertificate();
    log.info("certificate read anew");
  } catch (error) {
    log.error({ err: error }, "certificate not read anew, the old one stays in use");
  }
}

async function closeInTime(pushmail: Pushmail, closeMs: number, log: Logger): Promise<void> {
  const late = setTimeout(() => {
    log.error("not closed in time");
    process.exit(1);
  }, closeMs);
  await pushmail.close();
  log.info("closed");
  // From here on it holds nothing any more, but still ends what does.
  late.unref();
}
