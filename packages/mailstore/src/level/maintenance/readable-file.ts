// A file of a disk that has gone bad in places: what cannot be read comes as zeros, so that the rest can be gone through.
import type { SegmentFile } from "../segment-files.ts";

/** What the system reads, and fails to read, at a time. */
const BLOCK_BYTES = 4_096;

export class ReadableFile {
  readonly #file: SegmentFile;
  readonly #unreadable = new Set<number>();

  constructor(file: SegmentFile) {
    this.#file = file;
  }

  /** As `SegmentFile` does. */
  async read(position: number, length: number, room: Buffer = Buffer.allocUnsafeSlow(length)): Promise<Buffer> {
    const whole = await this.#file.read(position, length, room).catch(ignoreUnreadable);
    if (whole !== undefined) return whole;
    const end = Math.max(position, Math.min(position + length, await this.#file.size()));
    for (let at = position; at < end;) {
      const block = at - (at % BLOCK_BYTES);
      const next = Math.min(block + BLOCK_BYTES, end);
      const piece = room.subarray(at - position, next - position);
      if ((await this.#file.read(at, piece.length, piece).catch(ignoreUnreadable)) === undefined) {
        piece.fill(0);
        this.#unreadable.add(block);
      }
      at = next;
    }
    return room.subarray(0, end - position);
  }

  /** Whether something between them could not be read. */
  lacks(from: number, end: number): boolean {
    for (const block of this.#unreadable) if (block < end && block + BLOCK_BYTES > from) return true;
    return false;
  }
}

/** Of the disk; that a file may not be read is nothing that a check could pass over. */
export function ignoreUnreadable(error: unknown): undefined {
  if (!isUnreadable(error)) throw error;
}

export function isUnreadable(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return code === "EIO" || cause?.code === "EIO";
}
