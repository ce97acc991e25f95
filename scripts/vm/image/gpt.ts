/**
 * A GUID partition table: what UEFI firmware reads. The header and the table stand at the disk's
 * beginning, behind an MBR that keeps older programs away, and once more at its end.
 *
 *     sector 0        protective MBR          last - 32 … last - 1   the table again
 *     sector 1        header                  last                   the header again
 *     sectors 2–33    table, 128 entries
 *
 * https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html
 */
import { crc32 } from 'node:zlib';
import { SECTOR } from './partition-table.ts';

export interface Partition {
  type: keyof typeof TYPE;
  /** Of this partition alone. */
  guid: string;
  name: string;
  /** In bytes, multiples of a sector. */
  start: number;
  bytes: number;
}

const TYPE = {
  'EFI system': 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  'Linux filesystem': '0fc63daf-8483-4772-8e79-3d69d8477de4',
};

const ENTRIES = 128;
const ENTRY = 128;
const TABLE_SECTORS = (ENTRIES * ENTRY) / SECTOR;
const HEADER_BYTES = 92;

/** What the table takes of the disk's end, in bytes. */
export const GPT_END = (TABLE_SECTORS + 1) * SECTOR;

/** The disk's first 34 sectors and its last 33, for a disk of `bytes` bytes. */
export function gpt(
  bytes: number,
  guid: string,
  partitions: readonly Partition[],
): { start: Buffer; end: Buffer } {
  const last = bytes / SECTOR - 1;
  const table = Buffer.alloc(ENTRIES * ENTRY);
  partitions.forEach((partition, index) => {
    entry(partition).copy(table, index * ENTRY);
  });
  const header = (own: number, other: number, tableAt: number) => {
    const sector = Buffer.alloc(SECTOR);
    sector.write('EFI PART', 0, 'latin1');
    sector.writeUInt32LE(0x00010000, 8);
    sector.writeUInt32LE(HEADER_BYTES, 12);
    sector.writeBigUInt64LE(BigInt(own), 24);
    sector.writeBigUInt64LE(BigInt(other), 32);
    sector.writeBigUInt64LE(BigInt(2 + TABLE_SECTORS), 40);
    sector.writeBigUInt64LE(BigInt(last - TABLE_SECTORS - 1), 48);
    mixedEndian(guid).copy(sector, 56);
    sector.writeBigUInt64LE(BigInt(tableAt), 72);
    sector.writeUInt32LE(ENTRIES, 80);
    sector.writeUInt32LE(ENTRY, 84);
    sector.writeUInt32LE(crc32(table), 88);
    // Over the header with this field zero.
    sector.writeUInt32LE(crc32(sector.subarray(0, HEADER_BYTES)), 16);
    return sector;
  };
  return {
    start: Buffer.concat([protectiveMbr(last), header(1, last, 2), table]),
    end: Buffer.concat([table, header(last, 1, last - TABLE_SECTORS)]),
  };
}

function entry({ type, guid, name, start, bytes }: Partition): Buffer {
  const first = start / SECTOR;
  const buffer = Buffer.alloc(ENTRY);
  mixedEndian(TYPE[type]).copy(buffer, 0);
  mixedEndian(guid).copy(buffer, 16);
  buffer.writeBigUInt64LE(BigInt(first), 32);
  buffer.writeBigUInt64LE(BigInt(first + bytes / SECTOR - 1), 40);
  buffer.write(name, 56, 72, 'utf16le');
  return buffer;
}

/** One partition of type 0xee over the whole disk. */
function protectiveMbr(last: number): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 0x1be);
  sector.writeUInt32LE(1, 0x1be + 8);
  sector.writeUInt32LE(Math.min(last, 0xffffffff), 0x1be + 12);
  sector.writeUInt16BE(0x55aa, 0x1fe);
  return sector;
}

/** A GUID's first three fields are little-endian on disk, the others as they are written. */
function mixedEndian(guid: string): Buffer {
  const buffer = Buffer.from(guid.replaceAll('-', ''), 'hex');
  buffer.subarray(0, 4).reverse();
  buffer.subarray(4, 6).reverse();
  buffer.subarray(6, 8).reverse();
  return buffer;
}
