// The accounts of every peer, and the ports that they listen on.
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { PeerOptions } from "../peer.ts";

/** How many accounts a peer has where nothing else is said. */
const ACCOUNTS = 100;

export const PASSWORD = "bench";

/** The address of an account, counted from 0. */
export function userAt(index: number): string {
  return `bench${index}@localhost`;
}

/** The addresses of all accounts that a peer has. */
export function usersOf({ accounts = ACCOUNTS }: PeerOptions): string[] {
  return Array.from({ length: accounts }, (_, index) => userAt(index));
}

/** A TCP port of loopback that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
