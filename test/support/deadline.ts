// Waiting for an event, never for time: what does not come by the deadline is an error that says what was awaited.

/** TEST_DEADLINE_MS is for machines that are busy with much else. */
export const DEADLINE_MS: number = Number(process.env["TEST_DEADLINE_MS"] ?? 60_000);

/** The promise's value, or an Error naming `what` once the deadline has passed. */
export async function within<T>(promise: Promise<T>, what: string, deadlineMs: number = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
