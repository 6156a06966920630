// CRC-32C (Castagnoli) as LevelDB keeps it in its files: over eight bytes at a step, and masked.

const TABLES: readonly Int32Array[] = makeTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** The masked CRC-32C of bytes [from, to). */
export function maskedCrc32c(bytes: Uint8Array, from: number = 0, to: number = bytes.length): number {
  const crc = crc32c(bytes, from, to);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const at = bytes as { readonly [index: number]: number };
  const end = to - 7;
  let crc = -1;
  let i = from;
  for (; i < end; i += 8) {
    crc ^= at[i]! | (at[i + 1]! << 8) | (at[i + 2]! << 16) | (at[i + 3]! << 24);
    crc =
      T7[crc & 255]! ^
      T6[(crc >>> 8) & 255]! ^
      T5[(crc >>> 16) & 255]! ^
      T4[crc >>> 24]! ^
      T3[at[i + 4]!]! ^
      T2[at[i + 5]!]! ^
      T1[at[i + 6]!]! ^
      T0[at[i + 7]!]!;
  }
  for (; i < to; i++) crc = T0[(crc ^ at[i]!) & 255]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[0]![i] = crc;
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const crc = tables[k - 1]![i]!;
      tables[k]![i] = (crc >>> 8) ^ tables[0]![crc & 255]!;
    }
  }
  return tables;
}
