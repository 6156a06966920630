// The checksums of a payload that comes in pieces.
import { crc32 } from "node:zlib";
import { FIRST_BLOCK_BYTES } from "./record.ts";

export class PayloadChecksums {
  length = 0;
  /** CRC-32 of the bytes, and of the first of them. */
  checksum = 0;
  firstChecksum = 0;

  add(bytes: Uint8Array): void {
    // The checksum of no bytes is 0, whatever it goes on from.
    if (bytes.length === 0) return;
    const before = this.length;
    this.length += bytes.length;
    this.checksum = crc32(bytes, this.checksum);
    if (this.length <= FIRST_BLOCK_BYTES) this.firstChecksum = this.checksum;
    else if (before < FIRST_BLOCK_BYTES) {
      this.firstChecksum = crc32(bytes.subarray(0, FIRST_BLOCK_BYTES - before), this.firstChecksum);
    }
  }
}
