/**
 * What the labs need of the machine: Linux, on a processor for which there is a stub, recent enough
 * for the calls that the kit makes, with a root that can be pivoted and a place for files.
 */
import { type KernelCall, SINCE } from './kernel.ts';
import { BUILDING, GET_LINUX, LABS, onLinux, type Requirement } from './requirement.ts';

/** The calls that setting up a container makes; mount_setattr is for labs still to come. */
const NEEDED = (Object.keys(SINCE) as KernelCall[]).filter((call) => call !== 'mount_setattr');

/** Room for a root file system made of the host's programs, and a lab's copies of it. */
const ROOM = 200 * 2 ** 20;

const NAMED: Record<string, string> = { darwin: 'macOS', win32: 'Windows' };

export const machineRequirements: Requirement[] = [
  {
    id: 'linux',
    title: 'Linux',
    found: ({ platform }) => NAMED[platform] ?? platform,
    ok: ({ platform }) => platform === 'linux',
    remedy: () => GET_LINUX,
    blocks: LABS,
  },
  {
    id: 'architecture',
    title: 'processor',
    found: ({ architecture }) => architecture,
    ok: ({ architecture }) => architecture === 'x64' || architecture === 'arm64',
    remedy: ({ architecture }) =>
      architecture === 'ia32' || architecture === 'arm'
        ? `this Node is a 32-bit one (${architecture}): install the 64-bit Node, on a 64-bit system`
        : 'there are launch stubs for x64 and arm64 only: use such a machine, or QEMU',
    blocks: BUILDING,
  },
  onLinux({
    id: 'kernel',
    title: 'kernel',
    found: ({ kernel }) => kernel.release,
    ok: ({ kernel }) => NEEDED.every((call) => kernel.calls[call]),
    remedy: ({ kernel, wsl }) => {
      const missing = NEEDED.filter((call) => !kernel.calls[call]).join(', ');
      if (wsl === 1) return 'WSL 1 has no Linux kernel: `wsl --set-version NAME 2` in PowerShell';
      return `boot a kernel of 5.11 or later: this one lacks ${missing}`;
    },
    blocks: BUILDING,
  }),
  onLinux({
    id: 'root-mount',
    title: 'root mount',
    found: ({ fileSystems }) => fileSystems.rootType ?? 'none (in a chroot)',
    ok: ({ fileSystems: { rootType } }) => rootType !== null && rootType !== 'rootfs',
    remedy: ({ fileSystems: { rootType } }) =>
      rootType === null
        ? 'leave the chroot: pivot_root(2) wants a root directory that is a mount point'
        : 'pivot_root(2) does not work on an initramfs: boot from a disk, or switch_root',
    blocks: ['03', '04', '05', '06', '07', '08'],
  }),
  onLinux({
    id: 'state-directory',
    title: 'place for files',
    found: ({ fileSystems: { state } }) =>
      `${state.path}: ${formatSize(state.freeBytes)} free on ${state.fstype}` +
      (state.noexec ? ', noexec' : ''),
    ok: ({ fileSystems: { state } }) => !state.noexec && state.freeBytes >= ROOM,
    remedy: ({ fileSystems: { state } }) =>
      state.noexec
        ? `programs may not run from ${state.path}: mount its file system without noexec`
        : `make room: ${formatSize(ROOM)} are wanted in ${state.path}`,
    blocks: BUILDING,
  }),
];

/** Bytes in the largest binary unit that leaves at least one: `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(unit > 0 && size < 10 ? 1 : 0)} ${units[unit]}`;
}
