// AUTH (RFC 4954) as one function that waits for the client's lines, in place of smtp-server's own mechanisms.
import { SaslFault, type Sasl, type SaslChannel, type SaslHost } from "@pushmail/sasl";
import type { AccountInfo } from "@pushmail/mailstore";
import { NegativeReply } from "../replies.ts";
import type { EngineConnection } from "./engine-connection.ts";

export type Attempt = SaslHost["attempt"];

export class AuthDialogue implements SaslHost {
  readonly attempt: Attempt;
  readonly #connection: EngineConnection;
  /** Lets the next line of the client come in. */
  #done: () => void;

  constructor(connection: EngineConnection, options: { readonly attempt: Attempt; readonly done: () => void }) {
    this.#connection = connection;
    this.attempt = options.attempt;
    this.#done = options.done;
  }

  get channel(): SaslChannel {
    return this.#connection.channel;
  }

  /** Whose account it is; throws a NegativeReply, or whatever else `replyTo` has an answer for. */
  async run(sasl: Sasl, command: string): Promise<AccountInfo> {
    const [, name = "", initial, ...more] = command.trim().split(/\s+/);
    if (name === "" || more.length > 0) {
      throw new NegativeReply("501 5.5.4", "AUTH has a mechanism, and one response at most");
    }
    try {
      const account = await sasl.authenticate(name.toUpperCase(), initial, this);
      if (account !== undefined) return account;
    } catch (error) {
      // RFC 4954 4
      throw error instanceof SaslFault ? new NegativeReply("501 5.5.2", error.message) : error;
    }
    throw new NegativeReply("504 5.5.4", "There is no such mechanism");
  }

  askForLine(challenge: string): Promise<string> {
    const connection = this.#connection;
    return new Promise((resolve) => {
      connection._nextHandler = (line, done) => {
        this.#done = done;
        resolve(line.toString("latin1").trim());
      };
      connection.send(334, challenge);
      this.#done();
    });
  }

  /** The command has its answer. */
  end(): void {
    this.#done();
  }
}
