// Opening and ending an IMAP connection with imapflow: bounded, told to end by a signal, never idling by itself.
import { ImapFlow } from "imapflow";
import type { ImapFlowOptions, Logger } from "imapflow";
import { explain } from "./command-fault.ts";
import { requireLogin } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";

/** How a connection is to be. */
export interface ImapConnectionOptions {
  readonly endpoint: Endpoint;
  readonly limits: ClientLimits;
  /** Closes the connection at once when aborted. */
  readonly signal: AbortSignal;
  /** The bytes of one message that will be asked for at most. */
  readonly sourceBytesMax: number;
  /** How long the connection may be silent before it is given up. */
  readonly silenceMs?: number;
  readonly logger?: Logger;
}

/** Connects and logs in. */
export async function openImap(options: ImapConnectionOptions): Promise<ImapFlow> {
  const { endpoint, signal } = options;
  signal.throwIfAborted();
  const client = new ImapFlow(flowOptions(options));
  // A failure also fails the command in flight, and whoever waits hears "close".
  client.on("error", () => undefined);
  const abort = (): void => client.close();
  signal.addEventListener("abort", abort);
  client.once("close", () => signal.removeEventListener("abort", abort));
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.close();
    throw explain(error, imapPeer(endpoint));
  }
}

/** Says LOGOUT and closes; a server that does not answer is not waited for. */
export async function closeImap(client: ImapFlow, limits: ClientLimits): Promise<void> {
  const deadline = setTimeout(() => client.close(), limits.logoutMs);
  try {
    await client.logout();
  } catch {
    // It is closed either way.
  } finally {
    clearTimeout(deadline);
    client.close();
  }
}

/** The IMAP server as messages name it. */
export function imapPeer(endpoint: Endpoint): string {
  return `the IMAP server at ${endpoint.host}:${endpoint.imapPort}`;
}

function flowOptions({ endpoint, limits, sourceBytesMax, ...rest }: ImapConnectionOptions): ImapFlowOptions {
  const { user, password } = requireLogin(endpoint);
  return {
    host: endpoint.host,
    port: endpoint.imapPort,
    secure: endpoint.tls === "implicit",
    doSTARTTLS: endpoint.tls === "starttls",
    tls: { rejectUnauthorized: !endpoint.insecure, minVersion: "TLSv1.2" },
    auth: { user, pass: password.reveal() },
    clientInfo: { name: "pushmail", version: false, vendor: false, "support-url": false },
    logger: rest.logger ?? false,
    disableAutoIdle: true,
    // Octets are counted as IMAP has them, and what is small is told sooner.
    disableCompression: true,
    maxIdleTime: limits.idleRestartMs,
    connectionTimeout: limits.connectMs,
    greetingTimeout: limits.greetingMs,
    socketTimeout: rest.silenceMs ?? limits.socketSilenceMs,
    maxLineLength: limits.responseLineBytesMax,
    maxLiteralSize: Math.max(sourceBytesMax + 1024, limits.fieldBytesMax),
    maxResponseSize: limits.responseLineBytesMax + sourceBytesMax + 1024,
  };
}
