// The segment files with a watch over every operation; the only way by which the driver reaches them.
import type { SegmentFile, SegmentFiles } from "./segment-files.ts";
import type { StorageWatch } from "./storage-watch.ts";

class WatchedFile implements SegmentFile {
  readonly #file: SegmentFile;
  readonly #watch: StorageWatch;
  readonly #path: string;

  constructor(file: SegmentFile, watch: StorageWatch, path: string) {
    this.#file = file;
    this.#watch = watch;
    this.#path = path;
  }

  size(): Promise<number> {
    return this.#watch.run("file:read", this.#path, () => this.#file.size());
  }

  read(position: number, length: number, room?: Buffer): Promise<Buffer> {
    return this.#watch.run("file:read", this.#path, () => this.#file.read(position, length, room));
  }

  write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    return this.#watch.run("file:write", this.#path, () => this.#file.write(position, pieces));
  }

  sync(): Promise<void> {
    return this.#watch.run("file:sync", this.#path, () => this.#file.sync());
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export class WatchedFiles implements SegmentFiles {
  readonly #files: SegmentFiles;
  readonly #watch: StorageWatch;

  constructor(files: SegmentFiles, watch: StorageWatch) {
    this.#files = files;
    this.#watch = watch;
  }

  get location(): string {
    return this.#files.location;
  }

  list(): Promise<readonly string[]> {
    return this.#watch.run("file:read", this.location, () => this.#files.list());
  }

  async create(name: string): Promise<SegmentFile> {
    const path = this.#path(name);
    return new WatchedFile(
      await this.#watch.run("file:create", path, () => this.#files.create(name)),
      this.#watch,
      path,
    );
  }

  async open(name: string): Promise<SegmentFile> {
    const path = this.#path(name);
    return new WatchedFile(await this.#watch.run("file:read", path, () => this.#files.open(name)), this.#watch, path);
  }

  async openToWrite(name: string): Promise<SegmentFile> {
    const path = this.#path(name);
    const file = await this.#watch.run("file:write", path, () => this.#files.openToWrite(name));
    return new WatchedFile(file, this.#watch, path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#watch.run("file:rename", this.#path(from), () => this.#files.rename(from, to));
  }

  remove(name: string): Promise<void> {
    return this.#watch.run("file:remove", this.#path(name), () => this.#files.remove(name));
  }

  syncNames(): Promise<void> {
    return this.#watch.run("names:sync", this.location, () => this.#files.syncNames());
  }

  #path(name: string): string {
    return `${this.location}/${name}`;
  }
}
