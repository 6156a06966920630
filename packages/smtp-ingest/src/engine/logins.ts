// AUTH: when what a client shows for itself may be looked at, and what a failure costs.
import { setTimeout as wait } from "node:timers/promises";
import { Refusal } from "@pushmail/mailstore";
import type { AccountInfo } from "@pushmail/mailstore";
import { NegativeReply } from "../replies.ts";
import type { EngineConnection } from "./engine-connection.ts";
import type { EngineSettings } from "./engine-settings.ts";

export interface LoginsOptions {
  readonly settings: EngineSettings;
  readonly stop: AbortSignal;
}

/** How often a wait looks at the clock and whether the client is still there. */
const LOOK_MS = 250;

export class Logins {
  readonly #options: LoginsOptions;
  readonly #failed = new WeakMap<EngineConnection, number>();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** The account of who may have it. */
  async attempt(
    connection: EngineConnection,
    username: string,
    check: () => Promise<AccountInfo>,
  ): Promise<AccountInfo> {
    try {
      return await this.#options.settings.throttle.run({
        client: connection.remoteAddress,
        account: username,
        pauseUntil: (timeMs) => this.#pauseUntil(timeMs, connection),
        check: () => connection.place.serve(check),
      });
    } catch (error) {
      throw await this.#failure(error, connection, username);
    }
  }

  async #failure(error: unknown, connection: EngineConnection, username: string): Promise<unknown> {
    const { limits, log, throttle } = this.#options.settings;
    const fields = { client: connection.remoteAddress, username: throttle.logged(username) };
    if (error instanceof Refusal && error.code === "loginUnavailable") {
      log.warn({ ...fields, err: error.cause }, "login not checked");
    }
    if (!(error instanceof Refusal) || error.code !== "authenticationFailed") return error;
    const failed = (this.#failed.get(connection) ?? 0) + 1;
    this.#failed.set(connection, failed);
    log.warn({ ...fields, failed }, "login failed");
    await this.#delay(limits.authFailureDelayMs);
    return failed < limits.authAttemptsMax ? error : new NegativeReply("421 4.7.0", "Too many failed logins");
  }

  async #pauseUntil(timeMs: number, connection: EngineConnection): Promise<void> {
    const { throttle } = this.#options.settings;
    for (;;) {
      if (connection._closed || this.#options.stop.aborted)
        throw Object.assign(new Error("gone"), { code: "ECONNECTION" });
      const leftMs = timeMs - throttle.now();
      if (leftMs <= 0) return;
      await this.#delay(Math.min(leftMs, LOOK_MS));
    }
  }

  /** Waits, or until the listener stops. */
  async #delay(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#options.stop, ref: false }).catch(() => {});
  }
}
