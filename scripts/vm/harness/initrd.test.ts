import { describe, expect, it } from 'vitest';
import { loadingOrder } from './initrd.ts';

// As depmod(8) writes it: each line's nearest dependency first.
const MODULES_DEP = `kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko kernel/crypto/crc32c_generic.ko
kernel/fs/mbcache.ko:
kernel/fs/jbd2/jbd2.ko: kernel/crypto/crc32c_generic.ko
kernel/crypto/crc32c_generic.ko:
kernel/drivers/virtio/virtio_pci.ko.xz: kernel/drivers/virtio/virtio.ko.xz kernel/drivers/virtio/virtio_ring.ko.xz
kernel/drivers/char/virtio-console.ko: kernel/drivers/virtio/virtio.ko.xz kernel/drivers/virtio/virtio_ring.ko.xz
`;

describe('the order in which modules load', () => {
  it('puts each after what it depends on, once', () => {
    const order = loadingOrder(MODULES_DEP, ['virtio_pci', 'virtio_console', 'ext4']);
    const names = order.map((file) => file.split('/').at(-1));
    expect(names).toEqual([
      'virtio_ring.ko.xz',
      'virtio.ko.xz',
      'virtio_pci.ko.xz',
      'virtio-console.ko',
      'crc32c_generic.ko',
      'jbd2.ko',
      'mbcache.ko',
      'crc16.ko',
      'ext4.ko',
    ]);
  });

  it('leaves out what the kernel has built in', () => {
    expect(loadingOrder(MODULES_DEP, ['overlay'])).toEqual([]);
  });
});
