// The yardstick: a Node server that does nothing but what the machine cannot save it, run like any other peer.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Peer, PeerOptions } from "../peer.ts";
import { ProcessTree } from "./process-tree.ts";

const PROGRAM = fileURLToPath(new URL("../bare-peer-server.js", import.meta.url));

export async function startBare({ inMemory = false }: PeerOptions = {}): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), "bench-bare-"));
  const tree = ProcessTree.start([process.execPath, PROGRAM, inMemory ? "-" : join(directory, "mails")]);
  const ports = await tree.readyLine<{ readonly lmtp: number; readonly imap: number }>();
  return {
    name: "bare",
    lmtp: { host: "127.0.0.1", port: ports.lmtp },
    imap: { host: "127.0.0.1", port: ports.imap },
    imaps: null,
    directory,
    usage: async () => tree.usage(),
    restart() {
      throw new Error("a bare server keeps nothing");
    },
    async end() {
      await tree.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
