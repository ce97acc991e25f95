/**
 * The box's disk: boot loader, partition table and the root filesystem. Made of bytes alone, with
 * no loop device and nothing mounted, so that no user has to be root for it. On x86-64 a BIOS boots
 * it, as every hypervisor has one; on arm64 UEFI does, from a FAT partition with GRUB as its only
 * file.
 */
import { open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arch } from './arch.ts';
import { SOURCE_DATE_EPOCH } from './debian.ts';
import { GPT_END, gpt } from './gpt.ts';
import { grubBoot } from './grub-boot.ts';
import { FIRST_PARTITION, writePartitionTable } from './partition-table.ts';
import { ROOT_SIZE, type RootImage } from './root-image.ts';
import { runTool } from './run-tool.ts';

/** The same on every disk that is made: boot loaders know disks by it. */
const SIGNATURE = 0x75b0ced0;
const GUID = '75b0ced0-1ab5-4c0d-8e57-';

const ESP_SIZE = 16 * 2 ** 20;

/** In bytes. */
export const DISK_SIZE: Record<Arch, number> = {
  amd64: FIRST_PARTITION + ROOT_SIZE,
  arm64: FIRST_PARTITION + ESP_SIZE + ROOT_SIZE + 2 ** 20,
};

/** Writes the disk that boots `image` to the file `path`, sparse. */
export async function writeDisk(
  arch: Arch,
  image: RootImage,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = await open(path, 'wx');
  await file.close();
  await truncate(path, DISK_SIZE[arch]);
  const root =
    arch === 'amd64' ? await bootFromBios(image, path) : await bootFromUefi(image, path, signal);
  // qemu-img leaves out what the filesystem leaves empty; cp and dd would read 20 GiB of nothing.
  await copyInto(path, { from: image.root, at: root, bytes: ROOT_SIZE }, signal);
}

/** Resolves to where the root filesystem has to be, in bytes. */
async function bootFromBios(image: RootImage, path: string): Promise<number> {
  const grub = join(image.directory, 'boot/grub/i386-pc');
  const boot = await readFile(join(grub, 'boot.img'));
  const start = grubBoot(boot, await readFile(join(grub, 'core.img')));
  writePartitionTable(start, ROOT_SIZE, SIGNATURE);
  await writeAt(path, start, 0);
  return FIRST_PARTITION;
}

async function bootFromUefi(image: RootImage, path: string, signal?: AbortSignal): Promise<number> {
  const root = FIRST_PARTITION + ESP_SIZE;
  const { start, end } = gpt(DISK_SIZE.arm64, `${GUID}000000000000`, [
    {
      type: 'EFI system',
      guid: `${GUID}000000000001`,
      name: 'esp',
      start: FIRST_PARTITION,
      bytes: ESP_SIZE,
    },
    {
      type: 'Linux filesystem',
      guid: `${GUID}000000000002`,
      name: 'root',
      start: root,
      bytes: ROOT_SIZE,
    },
  ]);
  await writeAt(path, start, 0);
  await writeAt(path, end, DISK_SIZE.arm64 - GPT_END);
  const esp = `${path}.esp`;
  const same = ['--invariant', '-i', '75b0ced0', '-n', 'UNBOXED'];
  await runTool('mkfs.fat', [...same, '-C', esp, String(ESP_SIZE / 1024)], { signal });
  // mtools dates directories and files by this, where it knows of it.
  const env = { SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH) };
  await runTool('mmd', ['-i', esp, '::EFI', '::EFI/BOOT'], { env, signal });
  const core = join(image.directory, 'boot/grub/arm64-efi/core.efi');
  // Where firmware looks on a disk that it knows nothing of.
  await runTool('mcopy', ['-m', '-i', esp, core, '::EFI/BOOT/BOOTAA64.EFI'], { env, signal });
  await copyInto(path, { from: esp, at: FIRST_PARTITION, bytes: ESP_SIZE }, signal);
  await rm(esp);
  return root;
}

async function copyInto(
  path: string,
  { from, at, bytes }: { from: string; at: number; bytes: number },
  signal?: AbortSignal,
): Promise<void> {
  const target = `driver=raw,offset=${at},size=${bytes},file.driver=file,file.filename=${path}`;
  await runTool('qemu-img', ['convert', '-n', '-f', 'raw', '--target-image-opts', from, target], {
    signal,
  });
}

async function writeAt(path: string, bytes: Buffer, at: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at).finally(() => file.close());
}
