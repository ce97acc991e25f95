import { describe, expect, it } from 'vitest';
import { grubBoot } from './grub-boot.ts';
import { ImageError } from './image-error.ts';
import { FIRST_PARTITION } from './partition-table.ts';

/** A boot.img as GRUB installs it: a signature, and a jump where the drive is checked. */
function bootImage(): Buffer {
  const image = Buffer.alloc(512, 0x11);
  image.writeUInt16BE(0xeb05, 0x66);
  image.writeUInt16BE(0x55aa, 0x1fe);
  return image;
}

/** A core.img of that many bytes, with the block list that grub-mkimage leaves. */
function coreImage(bytes: number): Buffer {
  const image = Buffer.alloc(bytes, 0x22);
  image.writeUInt16LE(0x820, 0x1fe);
  return image;
}

describe('grubBoot', () => {
  it('points the boot sector at the sector after it, on the drive that the BIOS booted', () => {
    const disk = grubBoot(bootImage(), coreImage(2000));
    expect(disk.readBigUInt64LE(0x5c)).toBe(1n);
    expect(disk[0x64]).toBe(0xff);
  });

  it('lets the boot sector check the number of the drive', () => {
    const disk = grubBoot(bootImage(), coreImage(2000));
    expect(disk.toString('hex', 0x66, 0x68)).toBe('9090');
  });

  it('lists the sectors of the core after its first, the last one begun included', () => {
    const disk = grubBoot(bootImage(), coreImage(3 * 512 + 1));
    expect(disk.readBigUInt64LE(512 + 0x1f4)).toBe(2n);
    expect(disk.readUInt16LE(512 + 0x1fc)).toBe(3);
    expect(disk.readUInt16LE(512 + 0x1fe)).toBe(0x820);
  });

  it('changes nothing else of either image', () => {
    const [boot, core] = [bootImage(), coreImage(2000)];
    const disk = grubBoot(boot, core);
    expect(disk.subarray(0, 0x5c)).toEqual(boot.subarray(0, 0x5c));
    expect(disk.subarray(0x68, 512)).toEqual(boot.subarray(0x68));
    expect(disk.subarray(512, 512 + 0x1f4)).toEqual(core.subarray(0, 0x1f4));
    expect(disk.subarray(1024, 512 + 2000)).toEqual(core.subarray(512));
    expect(disk.subarray(512 + 2000).every((byte) => byte === 0)).toBe(true);
    expect(disk.length).toBe(FIRST_PARTITION);
  });

  it('refuses a core that reaches into the first partition', () => {
    expect(() => grubBoot(bootImage(), coreImage(FIRST_PARTITION - 512))).not.toThrow();
    expect(() => grubBoot(bootImage(), coreImage(FIRST_PARTITION))).toThrow(/too many/);
  });

  it('refuses images of another platform', () => {
    expect(() => grubBoot(Buffer.alloc(512), coreImage(2000))).toThrow(ImageError);
    expect(() => grubBoot(bootImage(), Buffer.alloc(2000))).toThrow(/not made for i386-pc/);
  });
});
