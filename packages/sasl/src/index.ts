// The only door to the mechanisms.
export type { SaslChannel } from "./channel.ts";
export type { SaslHost } from "./exchange.ts";
export { Sasl, type SaslOptions } from "./sasl.ts";
export { SaslFault } from "./sasl-fault.ts";
