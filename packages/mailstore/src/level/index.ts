// The door to the level driver.
export { openLevelDriver, openMemoryDriver, type LevelDriverOptions, type MemoryDriverOptions } from "./open.ts";
export type { DriverLog } from "./driver-log.ts";
export { checkLevelLimits, LEVEL_LIMITS, LEVEL_ZEROS, MEMORY_LIMITS, type LevelLimits } from "./limits.ts";
export type { StepListener, StepName } from "./steps.ts";
export { StoreDamage } from "./store-damage.ts";
