// Who may send a mail and who gets it, on each of the three kinds of listener.
import type { Readable } from "node:stream";
import { Refusal } from "@pushmail/mailstore";
import { Delivery } from "./delivery.ts";
import type { Answer, MailCommand, Receiver } from "./engine/receiver.ts";
import type { IncomingMail, ReceiverOptions } from "./incoming-mail.ts";
import { LocalDomains } from "./local-domains.ts";
import { NegativeReply } from "./replies.ts";
import { asciiAddress } from "./trace-header.ts";

/** Decides on every mail of one listener. */
export class MailReceiver implements Receiver<IncomingMail> {
  readonly #options: ReceiverOptions;
  readonly #localDomains: LocalDomains;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#localDomains = new LocalDomains({ ...options, ageMaxMs: options.limits.localDomainsAgeMaxMs });
  }

  async begin(mail: MailCommand): Promise<IncomingMail> {
    checkCharacters(mail.sender, mail);
    if (this.#options.kind === "submission") await this.#checkSender(mail);
    return { ...mail, recipients: [] };
  }

  async addRecipient(mail: IncomingMail, address: string): Promise<void> {
    const { store, hostname, limits } = this.#options;
    if (mail.recipients.length >= limits.recipientsMax) throw new Refusal("tooManyRecipients", "Too many recipients");
    checkCharacters(address, mail);
    // RFC 5321 4.5.1
    const target = await store.resolve(address.includes("@") ? address : `${address}@${hostname}`);
    if (target === undefined) throw await this.#unknown(address, mail);
    const { bytes, bytesMax, messages, messagesMax } = await store.quota(target.account.id);
    const full = messagesMax > 0 && messages >= messagesMax;
    if (full || (bytesMax > 0 && bytes + Math.max(mail.sizeBytes, 1) > bytesMax)) {
      throw new Refusal("overQuota", `${legible(address, mail)} is over quota`);
    }
    mail.recipients.push({ address, target });
  }

  receive(mail: IncomingMail, content: Readable): Promise<readonly Answer[]> {
    return new Delivery(this.#options, mail).run(content);
  }

  /** RFC 6409 6.1: the sender is an address of the account that logged in; the null sender is anybody's. */
  async #checkSender(mail: MailCommand): Promise<void> {
    const { sender, client } = mail;
    if (client.user === null) throw new NegativeReply("530 5.7.0", "Authentication required");
    if (sender === "") return;
    const owner = await this.#options.store.resolve(sender);
    if (owner?.account.id === client.user.id) return;
    throw new Refusal(
      "senderNotAllowed",
      `${legible(sender, mail)} is not an address of ${legible(client.user.address, mail)}`,
    );
  }

  async #unknown(address: string, mail: MailCommand): Promise<Refusal> {
    const { kind } = this.#options;
    const told = legible(address, mail);
    const at = address.lastIndexOf("@");
    if (kind === "lmtp" || at < 0 || (await this.#localDomains.has(address.slice(at + 1)))) {
      return new Refusal("accountNotFound", `No such user here: ${told}`);
    }
    if (kind === "smtp") return new Refusal("relayDenied", `Relaying denied: ${told} is not local`);
    return new Refusal("relayDenied", `Mail to other servers is not sent from here yet: ${told} is not local`);
  }
}

/** An address for a reply, which is in ASCII but to who speaks SMTPUTF8. */
function legible(address: string, { utf8 }: MailCommand): string {
  return utf8 ? address : asciiAddress(address).replaceAll(/[^\x20-\x7e]/g, "?");
}

/** RFC 6531 3.2: an address beyond ASCII needs SMTPUTF8; its domain alone may have an ASCII form that does without. */
function checkCharacters(address: string, { utf8 }: MailCommand): void {
  if (!utf8 && /[^\x20-\x7e]/.test(asciiAddress(address))) {
    throw new NegativeReply("553 5.6.7", "An address beyond ASCII needs SMTPUTF8");
  }
}
