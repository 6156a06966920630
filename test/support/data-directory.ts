// A data directory and a users file of a test's own, removed after it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DataDirectory {
  readonly path: string;
  readonly data: string;
  readonly users: string;
  remove(): Promise<void>;
}

/** Users are given as `address:password`. */
export async function makeDataDirectory(users: readonly string[]): Promise<DataDirectory> {
  const path = await mkdtemp(join(tmpdir(), "pushmail-test-"));
  const usersFile = join(path, "users");
  await writeFile(usersFile, `${users.join("\n")}\n`);
  return {
    path,
    data: join(path, "data"),
    users: usersFile,
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
