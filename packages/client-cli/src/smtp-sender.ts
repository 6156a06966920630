// Sending over one kept SMTP connection with nodemailer: plain to port 25's like, or as submission with a login.
import nodemailer from "nodemailer";
import type { SendMailOptions, SMTPPoolOptions } from "nodemailer";
import { explain } from "./command-fault.ts";
import { requireLogin } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";

/** What the server said to one mail. */
export interface SendReceipt {
  readonly messageId: string;
  readonly response: string;
  readonly accepted: readonly string[];
  /** The refused recipients with the server's words. */
  readonly rejected: readonly { readonly recipient: string; readonly response: string }[];
}

/** Where and how to send. */
export interface SmtpSenderOptions {
  readonly endpoint: Endpoint;
  readonly limits: ClientLimits;
  /** As submission: to its port, with the login. */
  readonly submit: boolean;
}

/** A sender with one connection, made at the first mail and kept. */
export class SmtpSender {
  readonly #transport: ReturnType<typeof createPool>;
  readonly #peer: string;

  constructor(options: SmtpSenderOptions) {
    const { endpoint, submit } = options;
    this.#peer = `the SMTP server at ${endpoint.host}:${submit ? endpoint.submissionPort : endpoint.smtpPort}`;
    this.#transport = createPool(options);
  }

  /** Sends one mail; resolves when the server has taken it for at least one recipient. */
  async send(mail: SendMailOptions, signal: AbortSignal): Promise<SendReceipt> {
    try {
      const {
        messageId,
        response,
        accepted,
        rejectedErrors = [],
      } = await this.#transport.sendMail({ ...mail, signal });
      return {
        messageId,
        response,
        accepted,
        rejected: rejectedErrors.map((error) => ({
          recipient: error.recipient ?? "",
          response: error.response ?? error.message,
        })),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw explain(error, this.#peer);
    }
  }

  close(): void {
    this.#transport.close({ force: true });
  }
}

function createPool({ endpoint, limits, submit }: SmtpSenderOptions) {
  const options: SMTPPoolOptions & { pool: true } = {
    pool: true,
    maxConnections: 1,
    maxMessages: Number.POSITIVE_INFINITY,
    // A mail whose connection broke may have been taken: it is reported, not sent again.
    maxRequeues: 0,
    idleTimeout: limits.smtpIdleMs,
    host: endpoint.host,
    port: submit ? endpoint.submissionPort : endpoint.smtpPort,
    // Only submission has a port that speaks TLS from the first byte (RFC 8314 3.3).
    secure: submit && endpoint.tls === "implicit",
    requireTLS: endpoint.tls === "starttls" || (!submit && endpoint.tls === "implicit"),
    ignoreTLS: endpoint.tls === "plain",
    disableUrlAccess: true,
    tls: { rejectUnauthorized: !endpoint.insecure, minVersion: "TLSv1.2" },
    connectionTimeout: limits.connectMs,
    greetingTimeout: limits.greetingMs,
    socketTimeout: limits.socketSilenceMs,
    ...(submit ? { auth: loginOf(endpoint) } : {}),
  };
  return nodemailer.createTransport(options);
}

function loginOf(endpoint: Endpoint): { user: string; pass: string } {
  const { user, password } = requireLogin(endpoint);
  return { user, pass: password.reveal() };
}
