/**
 * GRUB for a BIOS, written into a disk image as grub-bios-setup(8) would write it to a disk: the
 * boot sector, and after it, before the first partition, the core image. The BIOS loads sector 0;
 * that loads the core's first sector, which loads the others by the list of blocks at its end.
 *
 *     boot.img   0x5c  u64  the core's first sector
 *                0x64  u8   the BIOS drive to read from; 0xff: the one it booted from
 *                0x66  u16  a jump over a check of the drive's number
 *     core.img   0x1f4 u64  its second sector; u16 how many follow; u16 the segment to load them to
 *
 * GRUB's include/grub/i386/pc/boot.h, offset.h.
 */
import { ImageError } from './image-error.ts';
import { FIRST_PARTITION, SECTOR } from './partition-table.ts';

const KERNEL_SECTOR = 0x5c;
const BOOT_DRIVE = 0x64;
const DRIVE_CHECK = 0x66;
const BLOCK_LIST = 0x1f4;
/** Two x86 `nop`: some BIOSes hand on a wrong drive number, which the check mends. */
const NO_JUMP = 0x9090;
/** GRUB_BOOT_I386_PC_KERNEL_SEG, 0x800, and the sector loaded first, in units of 16 bytes. */
const CORE_SEGMENT = 0x820;

/**
 * What a disk has before its first partition, all but the partition table: `bootImage` in sector 0,
 * `coreImage` from sector 1 on. Throws ImageError for images that are none, or do not fit.
 */
export function grubBoot(bootImage: Buffer, coreImage: Buffer): Buffer {
  if (bootImage.length !== SECTOR || bootImage.readUInt16BE(0x1fe) !== 0x55aa) {
    throw new ImageError('boot.img is no boot sector of 512 bytes');
  }
  const sectors = Math.ceil(coreImage.length / SECTOR);
  if (sectors < 2 || coreImage.readUInt16LE(BLOCK_LIST + 10) !== CORE_SEGMENT) {
    throw new ImageError('core.img has no block list at 0x1f4: it is not made for i386-pc');
  }
  if (sectors >= FIRST_PARTITION / SECTOR) {
    throw new ImageError(`core.img has ${sectors} sectors: too many before the first partition`);
  }
  const disk = Buffer.alloc(FIRST_PARTITION);
  bootImage.copy(disk);
  disk.writeBigUInt64LE(1n, KERNEL_SECTOR);
  disk.writeUInt8(0xff, BOOT_DRIVE);
  disk.writeUInt16BE(NO_JUMP, DRIVE_CHECK);
  coreImage.copy(disk, SECTOR);
  disk.writeBigUInt64LE(2n, SECTOR + BLOCK_LIST);
  disk.writeUInt16LE(sectors - 1, SECTOR + BLOCK_LIST + 8);
  return disk;
}
