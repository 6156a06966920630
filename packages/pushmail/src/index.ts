// The embeddable server.
export { type ListenerAddress, type Pushmail, startPushmail } from "./start.ts";
export type { PushmailOptions } from "./options-given.ts";
export type { Limits, LimitsGiven, ListenerName, Port, ServerSettings } from "./settings.ts";
export { StartFault } from "./start-fault.ts";
