// How long others have to do their work before something is committed.
import type { StoreDriver } from "../driver.ts";

/** Counts turns of the event loop until the next commit. */
export function turnsUntilCommit(driver: StoreDriver): Promise<number> {
  let turns = 0;
  let next = setImmediate(function turn(): void {
    turns++;
    next = setImmediate(turn);
  });
  return new Promise((resolve) => {
    const commit = driver.commit.bind(driver);
    driver.commit = (...args) => {
      driver.commit = commit;
      clearImmediate(next);
      resolve(turns);
      return commit(...args);
    };
  });
}
