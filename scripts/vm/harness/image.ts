/** What a test guest boots from, built where it is not in the cache, and how it is to be run. */
import { execa } from 'execa';
import { findCommand } from '../../../lib/observe/command.ts';
import type { Arch, Say } from '../image/arch.ts';
import { ImageError } from '../image/image-error.ts';
import type { GuestWish } from '../image/packages.ts';
import { ensureRootImage } from '../image/root-image.ts';
import { ensureInitrd } from './initrd.ts';
import type { GuestImage } from './qemu.ts';

const KVM_WORKS = new URL('../../../vagrant/kvm-works', import.meta.url).pathname;
const QEMU: Record<Arch, { command: string; package: string }> = {
  amd64: { command: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  arm64: { command: 'qemu-system-aarch64', package: 'qemu-system-arm' },
};

/** Throws ImageError for what is missing on this host, with its remedy. */
export async function ensureGuestImage(
  wish: GuestWish,
  say: Say,
  signal?: AbortSignal,
): Promise<GuestImage> {
  const needed = [
    QEMU[wish.arch],
    { command: 'cpio', package: 'cpio' },
    { command: 'setpriv', package: 'util-linux' },
  ];
  const missing = needed.filter(({ command }) => findCommand(command) === null);
  if (missing.length > 0) {
    const names = (key: 'command' | 'package') => missing.map((each) => each[key]);
    throw new ImageError(`not installed: ${names('command').join(', ')}`, {
      remedy: `on Debian or Ubuntu: sudo apt-get install ${names('package').join(' ')}`,
    });
  }
  const image = await ensureRootImage(wish, say, signal);
  const { directory, kernelVersion, id } = image;
  const initrd = await ensureInitrd({ boot: directory, kernelVersion, id });
  return { kernel: image.kernel, initrd, root: image.root };
}

/** KVM where it is seen to run a kernel; UNBOXED_VM_DRIVER=kvm or qemu decides otherwise. */
export async function findAccelerator(): Promise<'kvm' | 'tcg'> {
  const { UNBOXED_VM_DRIVER: wanted } = process.env;
  if (wanted) return wanted === 'kvm' ? 'kvm' : 'tcg';
  const { exitCode } = await execa('sh', [KVM_WORKS], { reject: false });
  return exitCode === 0 ? 'kvm' : 'tcg';
}
