// Segment files in memory: what the memory driver writes its segments to.
import type { SegmentFile, SegmentFiles } from "./segment-files.ts";

class MemoryFile implements SegmentFile {
  #bytes = Buffer.alloc(0);
  #size = 0;

  async size(): Promise<number> {
    return this.#size;
  }

  async read(position: number, length: number, room: Buffer = Buffer.allocUnsafeSlow(length)): Promise<Buffer> {
    const end = Math.min(this.#size, position + length);
    return room.subarray(0, this.#bytes.copy(room, 0, Math.min(position, end), end));
  }

  async write(position: number, pieces: readonly Uint8Array[]): Promise<void> {
    let at = position;
    for (const piece of pieces) {
      this.#reserve(at + piece.length);
      this.#bytes.set(piece, at);
      at += piece.length;
    }
    this.#size = Math.max(this.#size, at);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2, 4096));
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }
}

export class MemoryFiles implements SegmentFiles {
  readonly location = "memory";
  readonly #files = new Map<string, MemoryFile>();

  async list(): Promise<readonly string[]> {
    return [...this.#files.keys()];
  }

  async create(name: string): Promise<SegmentFile> {
    if (this.#files.has(name)) throw new Error(`the file exists: ${name}`);
    const file = new MemoryFile();
    this.#files.set(name, file);
    return file;
  }

  async open(name: string): Promise<SegmentFile> {
    return this.#existing(name);
  }

  openToWrite(name: string): Promise<SegmentFile> {
    return this.open(name);
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#existing(from);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async syncNames(): Promise<void> {}

  #existing(name: string): MemoryFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no such file: ${name}`);
    return file;
  }
}
