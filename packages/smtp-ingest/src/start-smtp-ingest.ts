// One listener for incoming mail, of any of the three kinds.
import { harmless, limitsGiven, LoginThrottle, steadyNow } from "@pushmail/mailstore";
import type { MailStore } from "@pushmail/mailstore";
import { Sasl, type TlsCredentials } from "@pushmail/sasl";
import { hostCalled } from "./address-literal.ts";
import type { Room } from "./engine/connection-gate.ts";
import { EngineServer } from "./engine/engine-server.ts";
import type { AuthInClear } from "./engine/engine-settings.ts";
import type { ListenerKind } from "./incoming-mail.ts";
import { SMTP_LIMITS, SMTP_ZEROS } from "./limits.ts";
import type { SmtpLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import { MailReceiver } from "./mail-receiver.ts";
import type { SmtpStrictness } from "./tolerances.ts";

export interface SmtpIngestOptions {
  readonly store: MailStore;
  readonly kind: ListenerKind;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The name by which this host goes in greetings and trace headers, or an IP address. */
  readonly hostname: string;
  /** Domains of this host beside those of its accounts: who is unknown there is unknown, not foreign. */
  readonly domains?: readonly string[];
  /** Without it there is no STARTTLS, and no AUTH but in clear. */
  readonly tls?: TlsCredentials;
  /** TLS from the first byte on, instead of by STARTTLS. */
  readonly implicitTls?: boolean;
  /** Who may log in without TLS on a submission listener; clients on the same machine by default. */
  readonly authInClear?: AuthInClear;
  readonly log: Logger;
  readonly limits?: Partial<SmtpLimits>;
  /** How clients may log in on a submission listener; with the passwords of the store by default. */
  readonly sasl?: Sasl;
  /** Tolerances to do without. */
  readonly strict?: SmtpStrictness;
  /** Slows failed logins down; one that several listeners share leaves a guesser no way around it. */
  readonly throttle?: LoginThrottle;
  /** What this listener shares with others. */
  readonly room?: Room;
  /** The clock for all, in milliseconds since 1970: by default the system's for dates, a steady one for what waits. */
  readonly now?: () => number;
}

export interface SmtpIngest {
  readonly address: { readonly host: string; readonly port: number };
  /** Uses another certificate from the next handshake on; only where there was one from the start. */
  setTls(tls: TlsCredentials): void;
  /** Finishes the deliveries under way, says 421 to the rest; done when the last connection is gone. */
  close(): Promise<void>;
}

/** Listens; rejects where the address is taken. */
export async function startSmtpIngest(options: SmtpIngestOptions): Promise<SmtpIngest> {
  const { store, kind, host, tls, implicitTls = false, now = Date.now, strict = new Set() } = options;
  if (implicitTls && tls === undefined) throw new TypeError("implicit TLS needs a key and a certificate");
  const hostname = hostCalled(options.hostname);
  const limits = limitsGiven(SMTP_LIMITS, options.limits, SMTP_ZEROS);
  const log = harmless(options.log);
  const server = new EngineServer(
    {
      protocol: kind === "lmtp" ? "lmtp" : "smtp",
      hostname,
      authentication: kind === "submission",
      authInClear: options.authInClear ?? "loopback",
      // Between servers it is how mail is smuggled. A mail program that ends its lines with LF is helped; and what comes by
      // LMTP has been taken by another server, which could only send it back.
      lineEnds: kind === "smtp" || strict.has("bareLineEnds") ? "refuse" : "normalize",
      strict,
      tls: tls ?? null,
      implicitTls,
      limits,
      log,
      now: options.now ?? steadyNow,
      sasl: options.sasl ?? new Sasl({ store }),
      throttle: options.throttle ?? new LoginThrottle(),
      room: options.room,
    },
    new MailReceiver({ store, kind, hostname, domains: options.domains ?? [], limits, log, now }),
  );
  const port = await server.start(host, options.port);
  return {
    address: { host, port },
    setTls: (renewed) => {
      if (tls === undefined) throw new TypeError("a listener that was started without TLS cannot begin it");
      server.useTls(renewed);
    },
    close: () => server.stop(),
  };
}
