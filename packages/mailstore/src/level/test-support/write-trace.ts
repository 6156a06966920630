// What a process asks of the disk, by its calls of node:fs/promises: which bytes and names no sync has covered yet.
import fs, { type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

interface TracedFile {
  /** Writes of something else than zeros, which fill space ahead, that no sync has covered. */
  unsynced: number;
}

export class WriteTrace {
  readonly #real = {
    open: fs.open,
    mkdir: fs.mkdir,
    rename: fs.rename,
    rm: fs.rm,
    copyFile: fs.copyFile,
    link: fs.link,
    writeFile: fs.writeFile,
  };
  readonly #files = new Map<string, TracedFile>();
  readonly #names = new Set<string>();
  /** Writes that were seen. */
  writes = 0;

  /** From now on, until it is stopped. */
  constructor() {
    const { open, mkdir, rename, rm, copyFile, link, writeFile } = this.#real;
    Object.assign(fs, {
      open: async (path: string, flags: string, mode?: number) =>
        this.#opened(await open(path, flags, mode), path, flags),
      mkdir: async (path: string, options: { readonly recursive?: boolean }) => {
        const made = await mkdir(path, options);
        if (options.recursive !== true || made !== undefined) this.#names.add(path);
        return made;
      },
      rename: async (from: string, to: string) => {
        await rename(from, to);
        const file = this.#files.get(from);
        this.#forget(from);
        if (file !== undefined) this.#files.set(to, file);
        this.#names.add(to);
      },
      rm: async (path: string, options?: object) => {
        await rm(path, options);
        this.#forget(path);
      },
      copyFile: async (from: string, to: string, mode?: number) => {
        await copyFile(from, to, mode);
        this.#written(to, { isSynced: false });
      },
      link: async (from: string, to: string) => {
        await link(from, to);
        this.#names.add(to);
      },
      writeFile: async (path: string, data: Uint8Array, options?: { readonly flush?: boolean }) => {
        await writeFile(path, data, options);
        this.#written(path, { isSynced: options?.flush === true });
      },
    });
  }

  stop(): void {
    Object.assign(fs, this.#real);
  }

  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Files and directories whose names a power cut may take. */
  get unsyncedNames(): readonly string[] {
    return [...this.#names];
  }

  get unsyncedFiles(): readonly string[] {
    return [...this.#files].filter(([, { unsynced }]) => unsynced > 0).map(([path]) => path);
  }

  #opened(handle: FileHandle, path: string, flags: string): FileHandle {
    const file = this.#files.get(path) ?? { unsynced: 0 };
    this.#files.set(path, file);
    if (flags.startsWith("w")) this.#names.add(path);
    const [writev, write, truncate, datasync, sync] = [
      handle.writev.bind(handle),
      handle.write.bind(handle) as (...args: unknown[]) => Promise<unknown>,
      handle.truncate.bind(handle),
      handle.datasync.bind(handle),
      handle.sync.bind(handle),
    ];
    // A sync covers what was written, and the names that were made, when it began.
    const covering = (real: () => Promise<void>) => async (): Promise<void> => {
      const { unsynced } = file;
      const names = this.unsyncedNames.filter((name) => dirname(name) === path);
      await real();
      file.unsynced -= unsynced;
      for (const name of names) this.#names.delete(name);
    };
    const changed = (): void => {
      file.unsynced++;
      this.writes++;
    };
    return Object.assign(handle, {
      datasync: covering(datasync),
      sync: covering(sync),
      write: (...args: unknown[]) => write(...args).finally(changed),
      truncate: (length: number) => truncate(length).finally(changed),
      writev: async (pieces: readonly Uint8Array[], at: number) => {
        const result = await writev(pieces, at);
        if (pieces.every((piece) => piece.every((byte) => byte === 0))) return result;
        changed();
        return result;
      },
    });
  }

  /** A file with all that is in it. */
  #written(path: string, { isSynced }: { readonly isSynced: boolean }): void {
    this.#files.set(path, { unsynced: isSynced ? 0 : 1 });
    this.#names.add(path);
    this.writes++;
  }

  #forget(path: string): void {
    this.#files.delete(path);
    this.#names.delete(path);
  }
}
