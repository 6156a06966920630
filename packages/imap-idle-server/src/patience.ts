// How much is borne of a client that goes nowhere: another protocol, a broken client, somebody who tries passwords.
import type { ImapLimits } from "./limits.ts";
import { Bye } from "./replies.ts";

/** What became of a command. */
export interface Outcome {
  /** Whether it was a command at all. */
  readonly isCommand: boolean;
  readonly isFaulty: boolean;
  readonly isBeforeLogin: boolean;
}

export class Patience {
  readonly #limits: ImapLimits;
  /** Whether the client has shown that it speaks IMAP. */
  #speaksImap = false;
  #faultsInRow = 0;
  #commandsBeforeLogin = 0;
  loginFailures = 0;

  constructor(limits: ImapLimits) {
    this.#limits = limits;
  }

  /** It has logged in since; failed logins stay, or else they could be tried without end. */
  renew(): void {
    this.#commandsBeforeLogin = 0;
  }

  /** Takes note of a command that was answered; throws where it was one too many. */
  take({ isCommand, isFaulty, isBeforeLogin }: Outcome): void {
    const { faultsMax, loginFailuresMax, commandsBeforeLoginMax } = this.#limits;
    if (!isCommand && !this.#speaksImap) throw new Bye("This is an IMAP server");
    this.#speaksImap = true;
    this.#faultsInRow = isFaulty ? this.#faultsInRow + 1 : 0;
    if (this.#faultsInRow >= faultsMax) throw new Bye("Too many faulty commands");
    if (this.loginFailures >= loginFailuresMax) throw new Bye("Too many failed logins");
    if (isBeforeLogin) this.#commandsBeforeLogin++;
    if (this.#commandsBeforeLogin >= commandsBeforeLoginMax) throw new Bye("Too many commands before login");
  }
}
