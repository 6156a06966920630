// One mail's way into the store: staged once as it streams in, then appended. A 250 means that it is on disk.
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { Refusal } from "@pushmail/mailstore";
import type { Appended, StagedMessage } from "@pushmail/mailstore";
import type { Answer } from "./engine/receiver.ts";
import { HeaderFilter } from "./header-filter.ts";
import type { AcceptedRecipient, IncomingMail, ReceiverOptions } from "./incoming-mail.ts";
import { refusedForSome, replyTo } from "./replies.ts";
import { traceHeader } from "./trace-header.ts";

/** The delivery of one mail to all of its recipients. */
export class Delivery {
  readonly #options: ReceiverOptions;
  readonly #mail: IncomingMail;
  readonly #receivedAtMs: number;

  constructor(options: ReceiverOptions, mail: IncomingMail) {
    this.#options = options;
    this.#mail = mail;
    this.#receivedAtMs = options.now();
  }

  /** Reads the content to its end; gives one answer a recipient under LMTP, one in all under SMTP. */
  async run(content: Readable): Promise<readonly Answer[]> {
    const each = this.#options.kind === "lmtp";
    try {
      const message = await this.#stage(content);
      const answers = each ? await this.#deliverEach(message) : [await this.#deliverTogether(message)];
      if (answers.every((answer) => answer instanceof Error)) await message.discard();
      return answers;
    } catch (error) {
      const reply = replyTo(error, this.#options.log);
      return each ? this.#mail.recipients.map(() => reply) : [reply];
    }
  }

  async #stage(content: Readable): Promise<StagedMessage> {
    const { store, kind, hostname, limits } = this.#options;
    const mail = this.#mail;
    const trace = Buffer.from(
      traceHeader({
        mail,
        protocol: kind === "lmtp" ? "lmtp" : "smtp",
        hostname,
        recipient: mail.recipients.length === 1 ? (mail.recipients[0]?.address ?? null) : null,
        receivedAtMs: this.#receivedAtMs,
      }),
    );
    try {
      return await store.stage(this.#traced(trace, content), { bytesMax: trace.length + limits.messageBytesMax });
    } catch (error) {
      // The client sends on to the end, and is answered then; what is wrong with the content itself comes first.
      content.resume();
      await finished(content);
      throw error;
    }
  }

  /** The content behind the trace header, with its own trace fields checked. */
  async *#traced(trace: Buffer, content: Readable): AsyncGenerator<Uint8Array> {
    const { headerBytesMax, receivedFieldsMax } = this.#options.limits;
    const filter = new HeaderFilter(headerBytesMax);
    yield trace;
    for await (const piece of content.iterator({ destroyOnReturn: false })) {
      yield filter.push(piece as Buffer);
      // RFC 5321 6.3
      if (filter.receivedFields > receivedFieldsMax) throw new Refusal("loopDetected", "Too many hops: a mail loop");
    }
    const held = filter.finish();
    if (held.length > 0) yield held;
  }

  /** All or none: a sender that is told "not yet" sends the whole mail again. */
  async #deliverTogether(message: StagedMessage): Promise<Answer> {
    const byMailbox = new Map(this.#mail.recipients.map((recipient) => [mailboxKey(recipient), recipient]));
    try {
      await this.#append(message, [...byMailbox.values()]);
      // Not the UIDs: how much mail somebody gets is nobody else's business.
      return `2.0.0 Queued as ${this.#mail.id}`;
    } catch (error) {
      return byMailbox.size > 1 ? refusedForSome(error, this.#options.log) : replyTo(error, this.#options.log);
    }
  }

  /** RFC 2033 4.2: an answer for each RCPT that was accepted, in their order. */
  #deliverEach(message: StagedMessage): Promise<readonly Answer[]> {
    const answers = new Map<string, Promise<Answer>>();
    for (const recipient of this.#mail.recipients) {
      const key = mailboxKey(recipient);
      if (!answers.has(key)) answers.set(key, this.#deliverOne(message, recipient));
    }
    return Promise.all(this.#mail.recipients.map((recipient) => answers.get(mailboxKey(recipient)) as Promise<Answer>));
  }

  async #deliverOne(message: StagedMessage, recipient: AcceptedRecipient): Promise<Answer> {
    try {
      const [{ uid, cursor }] = (await this.#append(message, [recipient])) as [Appended];
      return `2.0.0 Delivered ${this.#mail.id} uid ${uid} cursor ${cursor}`;
    } catch (error) {
      return replyTo(error, this.#options.log);
    }
  }

  async #append(message: StagedMessage, recipients: readonly AcceptedRecipient[]): Promise<readonly Appended[]> {
    const appended = await this.#options.store.append(
      recipients.map(({ target }) => ({
        account: target.account.id,
        mailbox: target.mailbox,
        message,
        internalDateMs: this.#receivedAtMs,
      })),
    );
    const { id, sender, client } = this.#mail;
    const to = recipients.map(({ address }, i) => ({ address, uid: appended[i]?.uid, cursor: appended[i]?.cursor }));
    const from = { client: client.address, user: client.user?.address, sender };
    this.#options.log.info({ mail: id, ...from, sizeBytes: message.sizeBytes, to }, "mail delivered");
    return appended;
  }
}

/** Where a recipient's mail goes: twice the same gets one copy. */
function mailboxKey({ target }: AcceptedRecipient): string {
  return `${target.account.id}/${target.mailbox}`;
}
