// A server under measurement, in processes of its own on loopback.
import type { Endpoint } from "./line-client.ts";

export type PeerName = "pushmail" | "dovecot" | "cyrus" | "postfix";

export interface PeerOptions {
  /** Accounts `bench0@localhost`, `bench1@localhost` and so on, all with PASSWORD; 100 where nothing is said. */
  readonly accounts?: number;
  /** Sets a server up for many idle sessions where its experts would (Dovecot: imap-hibernate). */
  readonly manyIdle?: boolean;
  /** Also listens with TLS from the first byte. */
  readonly tls?: boolean;
  /** Stores passwords as a server at work does, slow to check; elsewhere a thousand accounts would take minutes to make. */
  readonly realHashes?: boolean;
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
  /** Of the whole process tree. */
  usage(): Promise<Usage>;
  /** Ends it, with SIGKILL where told so, and starts it again on the same data; resolves when it takes logins. */
  restart(options?: { readonly kill?: boolean }): Promise<void>;
  /** Ends it and removes its data. */
  end(): Promise<void>;
}

export interface Usage {
  /** User and system time of all processes, those that have ended included. */
  readonly cpuSeconds: number;
  /** Proportional set size. */
  readonly pssKiB: number;
  readonly processes: number;
}
