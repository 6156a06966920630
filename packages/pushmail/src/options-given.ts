// What a program gives to `startPushmail`, checked as the settings of `pushmail serve` are: it may be JavaScript.
import type { Log } from "@pushmail/imap-idle-server";
import { harmless, type StepListener } from "@pushmail/mailstore";
import { checkSettings } from "./setting-check.ts";
import { defaultSettings, mergeSettings, type ServerSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";

/** Any of the settings; what is left out is as described at `startPushmail`. */
export interface PushmailOptions extends Partial<ServerSettings> {
  /** Where to log; pino fits. */
  readonly log?: Log;
  /** Called at each step of the store on its way to the disk, for crash and fault tests: see `StepListener`. */
  readonly onStep?: StepListener;
}

export interface OptionsGiven {
  readonly settings: ServerSettings;
  readonly log: Log;
  readonly onStep: StepListener;
}

/** In the process of whoever embeds it nothing is left behind and nothing is in the way. */
const embedded: ServerSettings = {
  ...defaultSettings,
  memory: true,
  hostname: "localhost",
  smtp: 0,
  submission: 0,
  submissions: 0,
  lmtp: 0,
  imap: 0,
  imaps: 0,
};

/** Settings of `pushmail serve` alone. */
const FOREIGN: readonly string[] = ["logLevel", "demo"];
const silence: Log = { debug() {}, info() {}, warn() {}, error() {} };
const unheeded: StepListener = () => undefined;

/** All of them, with what holds where nothing is given; throws a StartFault that names what makes no sense. */
export function optionsGiven(given: PushmailOptions): OptionsGiven {
  if (typeof given !== "object" || given === null) throw new StartFault("options: must be an object");
  const { log = silence, onStep = unheeded, ...options } = given;
  if (!Object.keys(silence).every((level) => typeof (log as Partial<Log>)?.[level as keyof Log] === "function"))
    throw new StartFault(`log: must have the methods ${Object.keys(silence).join(", ")}`);
  if (typeof onStep !== "function") throw new StartFault("onStep: must be a function");
  const foreign = Object.keys(options).find((name) => FOREIGN.includes(name));
  if (foreign !== undefined) throw new StartFault(`${foreign}: there is no such setting`);
  // What nobody gives, and what `pushmail serve` hands on of its defaults, may be the empty text that none else may be.
  // Where it keeps mail in memory it names the directory all the same.
  const data = given.memory === true ? embedded.data : undefined;
  const untold: Readonly<Record<string, unknown>> = { ...embedded, data };
  const told = Object.entries(options).filter(([name, value]) => value !== undefined && value !== untold[name]);
  const checked = checkSettings(Object.fromEntries(told));
  if ("wrong" in checked) throw new StartFault(`${checked.wrong.join(".")}: ${checked.why}`);
  if (given.memory === true && checked.settings.data !== undefined)
    throw new StartFault("data and memory exclude each other");
  return { settings: mergeSettings(embedded, checked.settings), log: harmless(log), onStep };
}
