import { describe, expect, it } from 'vitest';
import { findPayload } from './vmlinux.ts';

const XZ = 'fd377a585a00';

/** A bzImage of `sectors` set-up sectors with that payload, 0x40 bytes into its second part. */
function bzImage(sectors: number, payload: Buffer): Buffer {
  const image = Buffer.alloc((sectors + 1) * 512 + 0x40 + payload.length + 100, 0xee);
  image[0x1f1] = sectors;
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt32LE(0x40, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, (sectors + 1) * 512 + 0x40);
  return image;
}

describe('findPayload', () => {
  const payload = Buffer.from(`${XZ}0102030405`, 'hex');

  it('cuts the payload out where the header says', () => {
    expect(findPayload(bzImage(27, payload))).toEqual(payload);
  });

  it('takes no set-up sectors for four, as the boot protocol has it', () => {
    const image = bzImage(4, payload);
    image[0x1f1] = 0;
    expect(findPayload(image)).toEqual(payload);
  });

  it('is null for another compression', () => {
    expect(findPayload(bzImage(27, Buffer.from('1f8b08000102', 'hex')))).toBeNull();
  });

  it('is null for what is no bzImage', () => {
    expect(findPayload(Buffer.alloc(2000))).toBeNull();
    expect(findPayload(Buffer.from(XZ, 'hex'))).toBeNull();
  });
});
