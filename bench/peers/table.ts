// The peers by name.
import type { Peer, PeerName, PeerOptions } from "../peer.ts";
import { startBare } from "./bare.ts";
import { startCyrus } from "./cyrus.ts";
import { startDovecot } from "./dovecot.ts";
import { startPushmail } from "./pushmail.ts";

export const peers: Readonly<Record<PeerName, (options?: PeerOptions) => Promise<Peer>>> = {
  pushmail: startPushmail,
  dovecot: startDovecot,
  cyrus: startCyrus,
  bare: startBare,
};
