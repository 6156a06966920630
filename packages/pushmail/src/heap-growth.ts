// How much V8's heap may hold beyond what is alive. Left alone it comes to three times of that and more under a steady
// load, for V8 may wait long where collecting is quick beside what the process does.
import { setFlagsFromString } from "node:v8";

/** In per cent of what was alive when it was collected last, for the whole process; 0 leaves it to V8. */
export function boundHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${Math.round(percent)}`);
}
