// Waiting until a server that says nothing on its own takes logins.
import { setTimeout } from "node:timers/promises";
import { LineClient, openLmtp, type Endpoint } from "../line-client.ts";
import { PASSWORD, userAt } from "./accounts.ts";
import type { ProcessTree } from "./process-tree.ts";

const READY_MS = 60_000;

/** Tries a login and a greeting until both succeed. */
export async function acceptsLogins(tree: ProcessTree, at: { imap: Endpoint; lmtp: Endpoint }): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    if (!tree.running) throw new Error("the server ended before it was ready");
    try {
      const lmtp = await openLmtp(at.lmtp);
      lmtp.close();
      const imap = await LineClient.connect(at.imap);
      await imap.until((line) => line.startsWith("* OK"));
      imap.write(`a LOGIN ${userAt(0)} ${PASSWORD}\r\n`);
      const { line } = await imap.until((reply) => reply.startsWith("a "));
      imap.close();
      if (line.startsWith("a OK")) return;
      throw new Error(line);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await setTimeout(2);
    }
  }
}
