// Both servers that take logins, on one store in memory, where nobody is made to wait who fails.
import { startImapServer, type ImapServer } from "@pushmail/imap-idle-server";
import { LoginThrottle, openMailStore, openMemoryDriver, type MailStore } from "@pushmail/mailstore";
import type { TlsCredentials } from "@pushmail/sasl";
import { startSmtpIngest, type SmtpIngest } from "@pushmail/smtp-ingest";

export class LoginServers {
  readonly imap: ImapServer;
  readonly submission: SmtpIngest;
  readonly #store: MailStore;

  private constructor(servers: Pick<LoginServers, "imap" | "submission">, store: MailStore) {
    this.imap = servers.imap;
    this.submission = servers.submission;
    this.#store = store;
  }

  /** With accounts by address, each with its password. */
  static async start(accounts: Readonly<Record<string, string>>, tls?: TlsCredentials): Promise<LoginServers> {
    const store = openMailStore(await openMemoryDriver(), {
      scryptCost: { N: 16, r: 1, p: 1 },
      scramIterations: 4_096,
    });
    for (const [address, password] of Object.entries(accounts)) await store.createAccount({ address, password });
    const ignore = (): void => undefined;
    const options = {
      store,
      host: "127.0.0.1",
      port: 0,
      hostname: "mail.example.org",
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      throttle: new LoginThrottle({ limits: { loginDelayMs: 0 } }),
      ...(tls === undefined ? {} : { tls }),
    };
    const imap = await startImapServer(options);
    const limits = { authFailureDelayMs: 0 };
    const submission = await startSmtpIngest({ ...options, kind: "submission", limits });
    return new LoginServers({ imap, submission }, store);
  }

  async stop(): Promise<void> {
    await Promise.all([this.imap.close(), this.submission.close()]);
    await this.#store.close();
  }
}
