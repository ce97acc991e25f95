/**
 * Which kernel this is, and which of the newer system calls it has. Asking for a call by making it
 * would have effects, so the answer goes by the version in which Linux got the call: a distribution
 * that carried one back to an older kernel is underrated, never overrated.
 *
 * uname(2), proc_sys_kernel(5); the VERSIONS or HISTORY section of each call's page
 */
import { release } from 'node:os';

/** The first version with the call, as [major, minor]. */
export const SINCE = {
  open_tree: [5, 2],
  move_mount: [5, 2],
  fsopen: [5, 2],
  clone3: [5, 3],
  pidfd_open: [5, 3],
  openat2: [5, 6],
  CLONE_INTO_CGROUP: [5, 7],
  close_range: [5, 9],
  CLOSE_RANGE_CLOEXEC: [5, 11],
  mount_setattr: [5, 12],
} as const satisfies Record<string, readonly [number, number]>;

export type KernelCall = keyof typeof SINCE;

export type KernelFacts = { release: string; calls: Record<KernelCall, boolean> };

export function readKernel(): KernelFacts {
  return describeKernel(release());
}

/** What a kernel of this release has: `6.1.0-18-amd64` counts as 6.1. */
export function describeKernel(text: string): KernelFacts {
  const [major, minor] = parseRelease(text);
  const has = ([needMajor, needMinor]: readonly [number, number]) =>
    major > needMajor || (major === needMajor && minor >= needMinor);
  const calls = Object.fromEntries(
    Object.entries(SINCE).map(([call, version]) => [call, has(version)]),
  ) as Record<KernelCall, boolean>;
  return { release: text, calls };
}

/** The first two numbers of a release; a release without them counts as 0.0, which has nothing. */
export function parseRelease(text: string): [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}
