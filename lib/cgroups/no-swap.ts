/**
 * Swap is counted apart from memory: where a machine has some, whoever is past a limit of memory
 * alone is swapped out and runs on. A limit that is to hold everywhere takes swap away as well.
 *
 *   limits: { memory: { max: 32 * MB, ...noSwap() } }
 *
 * "Swap" and "memory.memsw" in the kernel's cgroup-v2.rst and cgroup-v1/memory.rst; proc_swaps(5)
 */
import { orGone, readProcFile } from '../observe/proc-file.ts';
import type { MemoryLimits } from './limits.ts';
import { type CgroupSite, detectSite } from './site.ts';

/**
 * No swap; nothing where the kernel counts none and the machine has none, so that there is nothing
 * to forbid. Where it has some that is not counted, the limit is asked for and cgroupActions refuses it.
 */
export function noSwap(
  { v1, v2 }: CgroupSite = detectSite(''),
  swaps = hasSwap(),
): Pick<MemoryLimits, 'swap'> {
  const counted = v1.memory ? v1.memory.files.includes(MEMSW) : v2?.countsSwap;
  return counted || swaps ? { swap: 0 } : {};
}

const MEMSW = 'memory.memsw.limit_in_bytes';

/** The first line is a heading. */
function hasSwap(): boolean {
  return (orGone(() => readProcFile('/proc/swaps')) ?? '').trim().split('\n').length > 1;
}
