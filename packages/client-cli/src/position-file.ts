// Where each mailbox has been read up to, kept in a file from run to run; the file is whole at any moment.
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandFault, exitCodes } from "./command-fault.ts";
import type { MailboxPosition } from "./read-position.ts";

/** The positions of one process; a file belongs to one process at a time. */
export class PositionFile {
  readonly #path: string;
  readonly #positions: Map<string, MailboxPosition>;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, positions: Map<string, MailboxPosition>) {
    this.#path = path;
    this.#positions = positions;
  }

  /** Reads the file; one that does not exist yet holds nothing. */
  static async open(path: string): Promise<PositionFile> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw new CommandFault(exitCodes.failed, `cannot read the state file: ${error.message}`);
    });
    return new PositionFile(path, text === undefined ? new Map() : parsePositions(path, text));
  }

  get(mailbox: string): MailboxPosition | undefined {
    return this.#positions.get(mailbox);
  }

  /** Resolves when the position is on disk. */
  set(mailbox: string, position: MailboxPosition): Promise<void> {
    this.#positions.set(mailbox, position);
    const saved = this.#saving.then(() => this.#save());
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  async #save(): Promise<void> {
    const next = `${this.#path}.next`;
    try {
      await writeSynced(next, `${JSON.stringify(Object.fromEntries(this.#positions), undefined, 2)}\n`);
      await rename(next, this.#path);
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      throw new CommandFault(exitCodes.failed, `cannot write the state file: ${(error as Error).message}`);
    }
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function parsePositions(path: string, text: string): Map<string, MailboxPosition> {
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, MailboxPosition>);
    if (entries.every(([, position]) => isPosition(position))) return new Map(entries);
  } catch {
    // Not JSON: the same fault as a wrong shape.
  }
  throw new CommandFault(exitCodes.failed, `${path} is no state file of this command`);
}

function isPosition(value: Partial<MailboxPosition> | null): boolean {
  return (
    typeof value?.uidValidity === "string" &&
    Number.isSafeInteger(value.uid) &&
    Array.isArray(value.above) &&
    value.above.every(Number.isSafeInteger)
  );
}
