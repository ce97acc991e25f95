/**
 * The box's disk: boot loader, partition table and the root filesystem as its only partition. Made
 * of bytes alone, with no loop device and nothing mounted, so that no user has to be root for it.
 */

import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { grubBoot } from './grub-boot.ts';
import { FIRST_PARTITION, writePartitionTable } from './partition-table.ts';
import { ROOT_SIZE, type RootImage } from './root-image.ts';
import { runTool } from './run-tool.ts';

/** The same on every disk that is made: boot loaders know disks by it. */
const SIGNATURE = 0x75b0ced0;

export const DISK_SIZE = FIRST_PARTITION + ROOT_SIZE;

/** Writes the disk that boots `image` to the file `path`, sparse. */
export async function writeDisk(
  image: RootImage,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const grub = join(image.directory, 'boot/grub/i386-pc');
  const [boot, core] = await Promise.all(
    ['boot.img', 'core.img'].map((name) => readFile(join(grub, name))),
  );
  const start = grubBoot(boot as Buffer, core as Buffer);
  writePartitionTable(start, ROOT_SIZE, SIGNATURE);
  const file = await open(path, 'wx');
  await file.write(start).finally(() => file.close());
  await truncate(path, DISK_SIZE);
  // qemu-img leaves out what the filesystem leaves empty; cp and dd would read 20 GiB of nothing.
  const partition = `driver=raw,offset=${FIRST_PARTITION},size=${ROOT_SIZE}`;
  const target = `${partition},file.driver=file,file.filename=${path}`;
  await runTool(
    'qemu-img',
    ['convert', '-n', '-f', 'raw', '--target-image-opts', image.root, target],
    { signal },
  );
}
