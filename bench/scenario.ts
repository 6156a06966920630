// What a scenario is: one repeat against one peer, checked for right answers, as a list of figures.
import type { Peer, PeerName, PeerOptions } from "./peer.ts";

/** One figure of one peer in one repeat. */
export interface Figure {
  /** What was measured, the same text in every repeat and for every peer: "250 to EXISTS, p50". */
  readonly metric: string;
  readonly value: number;
  readonly unit: "ms" | "s" | "per s" | "MB/s" | "KiB" | "MiB" | "count" | "times";
  /** Which side of the ratio is the better one. */
  readonly better: "less" | "more";
}

export interface Scenario {
  /** The name of its file, and what `--scenario` takes. */
  readonly name: string;
  /** One line for the report. */
  readonly what: string;
  /** The peers that it can be run against, pushmail aside; `bare` is run always, the others where `--against` names them. */
  readonly against: readonly PeerName[];
  /** The most repeats that are worth their time; without it as many as were asked for. */
  readonly repeatsMax?: number;
  /** One repeat. It ends every peer that it starts, and throws where an answer is wrong. */
  run(start: StartPeer, repeat: Repeat): Promise<readonly Figure[]>;
}

/** Starts the peer whose turn it is, on an empty data directory. */
export type StartPeer = (options?: PeerOptions) => Promise<Peer>;

export interface Repeat {
  /** Counted from 0. */
  readonly number: number;
  /** 1 is the size that docs/performance.md shows; a smaller share is for trying a scenario out. */
  readonly scale: number;
}
