// A peer that is a system's daemon: it is configured by files, listens on ports that it was given, and says nothing.
import { mkdtempSync, chmodSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "../line-client.ts";
import type { Peer, PeerName } from "../peer.ts";
import { acceptsLogins } from "./accepts-logins.ts";
import { freePort } from "./accounts.ts";
import { ProcessTree } from "./process-tree.ts";

interface Daemon {
  readonly name: PeerName;
  readonly command: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly endpoints: DaemonEndpoints;
  /** All its files; removed in the end. */
  readonly directory: string;
  /** Where its mail lies. */
  readonly mail: string;
}

export interface DaemonEndpoints {
  readonly imap: Endpoint;
  readonly lmtp: Endpoint;
  readonly imaps: Endpoint | null;
}

/** A folder that a server which gives up its privileges can enter. */
export function makeDirectory(name: PeerName): string {
  const directory = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  chmodSync(directory, 0o755);
  return directory;
}

export async function freeEndpoints({ tls = false }: { readonly tls?: boolean }): Promise<DaemonEndpoints> {
  const endpoint = async (): Promise<Endpoint> => ({ host: "127.0.0.1", port: await freePort() });
  return { imap: await endpoint(), lmtp: await endpoint(), imaps: tls ? await endpoint() : null };
}

/** Starts it and waits until it takes logins. */
export async function startDaemon({ name, command, environment, endpoints, directory, mail }: Daemon): Promise<Peer> {
  const start = async (): Promise<ProcessTree> => {
    const tree = ProcessTree.start(command, environment);
    await acceptsLogins(tree, endpoints);
    return tree;
  };
  let tree = await start();
  return {
    name,
    ...endpoints,
    directory: mail,
    usage: async () => tree.usage(),
    async restart(how) {
      await tree.end(how);
      const startedMs = performance.now();
      tree = await start();
      return { startMs: performance.now() - startedMs };
    },
    async end() {
      await tree.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
