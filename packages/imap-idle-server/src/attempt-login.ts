// One attempt to log in: made to wait where others have failed, and noted where it fails itself.
import { Refusal, type AccountInfo } from "@pushmail/mailstore";
import type { Connection } from "./connection.ts";
import type { Patience } from "./patience.ts";
import type { ServerContext } from "./server-context.ts";

export interface Attempt {
  readonly connection: Connection;
  readonly patience: Patience;
  /** Whom the client says it is. */
  readonly name: string;
  readonly check: () => Promise<AccountInfo>;
}

export async function attemptLogin(server: ServerContext, attempt: Attempt): Promise<AccountInfo> {
  const { connection, patience, name, check } = attempt;
  const { address: client } = connection;
  try {
    return await server.throttle.run({
      client,
      account: name,
      pauseUntil: (timeMs) => pauseUntil(timeMs, connection, server.now),
      check: () => server.admission.check(connection, check),
    });
  } catch (error) {
    const fields = { client, address: server.throttle.logged(name) };
    if (error instanceof Refusal && error.code === "authenticationFailed") {
      patience.loginFailures++;
      server.log.warn({ ...fields, failures: patience.loginFailures }, "login failed");
    }
    if (error instanceof Refusal && error.code === "loginUnavailable") {
      server.log.warn({ ...fields, err: error.cause }, "login not checked");
    }
    throw error;
  }
}

async function pauseUntil(timeMs: number, connection: Connection, now: () => number): Promise<void> {
  for (;;) {
    connection.checkOpen();
    if (now() >= timeMs) return;
    await connection.wait(timeMs);
  }
}
