/**
 * The guest's root filesystem as an ext4 image, and beside it what boots the guest from outside.
 *
 *     CACHE/root-ARCH-ID/root.ext4       sparse, as large as the box's disk
 *                        contents        what is in it, one a line: two builds can be compared
 *                        image.json      kernel version, SHA-256 of contents
 *                        boot/…          vmlinuz, initrd.img, GRUB's images; vmlinux, an ELF file (amd64)
 *                        lib/modules/…   the kernel's modules that a harness may load
 *                        bin/busybox
 *
 * ext4(5), mke2fs(8)
 */

import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, inputHash } from '../cache.ts';
import type { Arch, Say } from './arch.ts';
import { debianId, ensureDebian, ROOT_UUID, SOURCE_DATE_EPOCH } from './debian.ts';
import { ensureGuestFiles, guestFilesId } from './guest-files.ts';
import type { GuestWish } from './packages.ts';
import { runTool } from './run-tool.ts';
import { requireTools } from './tools.ts';
import { extractVmlinux } from './vmlinux.ts';

const ASSEMBLE = new URL('../../../vagrant/guest/assemble.sh', import.meta.url);
const OWN = new URL(import.meta.url);

/** Of the image, in bytes; the disk has 1 MiB more before it. */
export const ROOT_SIZE = 20 * 2 ** 30 - 2 ** 20;

export interface RootImage {
  directory: string;
  /** The ext4 image. */
  root: string;
  /** What QEMU's -kernel boots fastest: the ELF file on amd64, vmlinuz elsewhere. */
  kernel: string;
  initrd: string;
  busybox: string;
  /** The directory that lib/modules/VERSION is in. */
  modules: string;
  kernelVersion: string;
  /** SHA-256 of the file `contents`. */
  contents: string;
  id: string;
}

/** Names the image by what it is made from. */
export async function rootImageId(wish: GuestWish): Promise<string> {
  const parts = await Promise.all([
    debianId(wish),
    guestFilesId(wish.arch),
    readFile(ASSEMBLE),
    readFile(OWN),
  ]);
  return inputHash(parts);
}

/** Finds the image or makes it, in about 20 s beside what it is made of. Throws ImageError. */
export async function ensureRootImage(
  wish: GuestWish,
  say: Say,
  signal?: AbortSignal,
): Promise<RootImage> {
  const { arch } = wish;
  const id = await rootImageId(wish);
  const directory = await cached(`root-${arch}-${id}`, async (path) => {
    requireTools(['mke2fs', 'tar', 'getcap', 'xz']);
    const debian = await ensureDebian(wish, say, signal);
    const files = await ensureGuestFiles(arch, say, signal);
    say('the root filesystem');
    await mkdir(path);
    const contents = await assemble(path, [debian.tar, files.tar], signal);
    const kernelVersion = await unpackBoot(path, arch, signal);
    await writeFile(join(path, 'image.json'), `${JSON.stringify({ kernelVersion, contents })}\n`);
  });
  return { ...(await describe(directory, arch)), id };
}

async function describe(directory: string, arch: Arch): Promise<Omit<RootImage, 'id'>> {
  const { kernelVersion, contents } = JSON.parse(
    await readFile(join(directory, 'image.json'), 'utf8'),
  );
  const kernel = arch === 'amd64' ? 'vmlinux' : `vmlinuz-${kernelVersion}`;
  return {
    directory,
    root: join(directory, 'root.ext4'),
    kernel: join(directory, 'boot', kernel),
    initrd: join(directory, 'boot', `initrd.img-${kernelVersion}`),
    busybox: join(directory, 'bin/busybox'),
    modules: directory,
    kernelVersion,
    contents,
  };
}

/** Opened out here: the user namespace of who is not root reaches no directory of the user's. */
const OPEN = 'exec 3<"$DEBIAN" 4<"$FILES" 5<>"$IMAGE" 6>"$BOOT" 7>"$CONTENTS"; exec "$@"';

/** Resolves to the SHA-256 of the contents. */
async function assemble(
  path: string,
  [DEBIAN = '', FILES = '']: string[],
  signal?: AbortSignal,
): Promise<string> {
  const script = await readFile(ASSEMBLE, 'utf8');
  const image = join(path, 'root.ext4');
  await writeFile(image, '');
  const root = process.geteuid?.() === 0;
  // It is opened once more in there, by its name in /proc.
  if (!root) await chmod(image, 0o666);
  const run = root ? ['sh'] : ['mmdebstrap', '--unshare-helper', 'sh'];
  return runTool('sh', ['-c', OPEN, 'sh', ...run, '-c', script], {
    env: {
      DEBIAN,
      FILES,
      IMAGE: image,
      BOOT: join(path, 'boot.tar'),
      CONTENTS: join(path, 'contents'),
      WORK: root ? join(path, 'work') : `/var/tmp/unboxed-${process.pid}`,
      EPOCH: String(SOURCE_DATE_EPOCH),
      UUID: ROOT_UUID,
      SIZE: String(ROOT_SIZE / 1024),
    },
    signal,
  }).finally(() => chmod(image, 0o644));
}

/** Resolves to the kernel's version. */
async function unpackBoot(path: string, arch: Arch, signal?: AbortSignal): Promise<string> {
  const archive = join(path, 'boot.tar');
  const unpacked = await runTool('tar', ['--extract', '-v', '-C', path, '-f', archive], { signal });
  await rm(archive);
  const version = /^boot\/vmlinuz-(\S+)$/m.exec(unpacked)?.[1] ?? '';
  if (arch === 'amd64') {
    const kernel = join(path, 'boot', `vmlinuz-${version}`);
    await extractVmlinux(kernel, join(path, 'boot/vmlinux'), signal);
  }
  return version;
}
