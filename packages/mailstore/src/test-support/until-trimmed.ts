// When the log of an account has been cut.
import type { StoreDriver } from "../driver.ts";

/** Resolves when a log begins behind a cursor; rejects where it cannot be cut. */
export function untilTrimmed(driver: StoreDriver, past = 0): Promise<void> {
  const trim = driver.trimLog.bind(driver);
  return new Promise((resolve, reject) => {
    driver.trimLog = async (account, floor) => {
      const lacking = await trim(account, floor).catch((error: unknown) => {
        reject(error);
        throw error;
      });
      if (lacking.length === 0 && floor > past) resolve();
      return lacking;
    };
  });
}
