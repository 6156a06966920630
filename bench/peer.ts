// A server under measurement, in processes of its own on loopback.
import type { Endpoint } from "./line-client.ts";

/** In the order of tables. `bare` is no mail server: the least that Node can do of the same work. */
export const PEER_NAMES = ["pushmail", "dovecot", "cyrus", "bare"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface PeerOptions {
  /** Accounts `bench0@localhost`, `bench1@localhost` and so on, all with PASSWORD; 100 where nothing is said. */
  readonly accounts?: number;
  /** Sets a server up for many idle sessions where its experts would (Dovecot: imap-hibernate). */
  readonly manyIdle?: boolean;
  /** Also listens with TLS from the first byte. */
  readonly tls?: boolean;
  /** Offers COMPRESS where that is a setting. */
  readonly compress?: boolean;
  /** Stores passwords as a server at work does, slow to check; elsewhere a thousand accounts would take minutes to make. */
  readonly realHashes?: boolean;
  /** For pushmail: whether texts are indexed; they are where nothing is said. */
  readonly searchIndex?: "on" | "off";
  /** For `bare`: writes nothing to the disk. */
  readonly inMemory?: boolean;
  /** For a server that runs on Node: arguments such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
}

export interface Peer {
  readonly name: PeerName;
  readonly lmtp: Endpoint;
  readonly imap: Endpoint;
  /** Where TLS was asked for. */
  readonly imaps: Endpoint | null;
  /** Where its data lies. */
  readonly directory: string;
  /** Of the whole process tree; from 0 again after a restart. */
  usage(): Promise<Usage>;
  /** Ends it, with SIGKILL where told so, and starts it again on the same data; resolves when it takes logins. */
  restart(options?: { readonly kill?: boolean }): Promise<Started>;
  /** Ends it and removes its data. */
  end(): Promise<void>;
}

export interface Started {
  /** From the start of the process to taking logins. */
  readonly startMs: number;
}

export interface Usage {
  /** User and system time of all processes, those that have ended included. */
  readonly cpuSeconds: number;
  /** Proportional set size. */
  readonly pssKiB: number;
  readonly processes: number;
}
