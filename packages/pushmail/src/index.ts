// The embeddable server.
export { type ListenerAddress, type Pushmail, type PushmailOptions, startPushmail } from "./start.ts";
export type { Limits, LimitsGiven, ListenerName, Port, ServerSettings } from "./settings.ts";
export { StartFault } from "./start-fault.ts";
