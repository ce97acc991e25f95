/**
 * The partition table in a disk's first sector (MBR): what every BIOS boots from, and all that a
 * disk with one partition needs.
 *
 * Table of four entries of 16 bytes at 0x1be, a disk signature at 0x1b8, 0x55 0xaa at the end:
 * https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html#legacy-master-boot-record-mbr
 */
export const SECTOR = 512;

/** The first partition begins here, in bytes: aligned for any disk, with room for a boot loader. */
export const FIRST_PARTITION = 2 ** 20;

const LINUX = 0x83;
const ACTIVE = 0x80;
/** Cylinder, head and sector of what lies beyond their range: only LBA counts. */
const BEYOND_CHS = [0xfe, 0xff, 0xff];

/** Writes into `sector` a table with one active Linux partition of `bytes` bytes. */
export function writePartitionTable(sector: Buffer, bytes: number, signature: number): void {
  const sectors = bytes / SECTOR;
  if (!Number.isInteger(sectors) || sectors < 1 || sectors > 0xffffffff) {
    throw new RangeError(`a partition of ${bytes} bytes cannot be written in an MBR`);
  }
  sector.writeUInt32LE(signature, 0x1b8);
  sector.writeUInt16LE(0, 0x1bc);
  sector.fill(0, 0x1be, 0x1fe);
  sector.set([ACTIVE, ...BEYOND_CHS, LINUX, ...BEYOND_CHS], 0x1be);
  sector.writeUInt32LE(FIRST_PARTITION / SECTOR, 0x1be + 8);
  sector.writeUInt32LE(sectors, 0x1be + 12);
  sector.writeUInt16BE(0x55aa, 0x1fe);
}
