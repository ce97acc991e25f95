/**
 * A limit of memory and swap together, as the specification and version 1 have it, where version 2
 * has one of each. What is not given is taken from the cgroup, so that a change of either half leaves
 * the other what it is.
 *
 * OCI runtime-spec, config-linux.md "Memory"; cgroup-v2.rst "memory.swap.max"
 */
import { CgroupError } from '../cgroups/cgroup-error.ts';
import { limitText } from './limit-texts.ts';
import { OciError } from './oci-error.ts';
import type { ResourceWrite } from './resources.ts';
import type { Present } from './resources-v1.ts';
import type { MemoryResources } from './spec.ts';

const FILE = 'memory.swap.max';

/** Before memory.max is written. Throws OciError for what does not go together, CgroupError without swap. */
export function swapWrites(memory: MemoryResources, now: Present): ResourceWrite[] {
  const swap = swapOf(memory, now);
  if (swap === null) return [];
  if (now(FILE) === null) {
    // Where nothing is accounted nothing can be held, and there is nothing to allow or refuse.
    if (swap === 0 || swap === Infinity) return [];
    const why = 'this kernel does not account swap; boot it with swapaccount=1';
    throw new CgroupError([{ controller: 'memory', why }]);
  }
  return [{ controller: 'memory', file: FILE, text: limitText(swap, 'max') }];
}

/** Bytes of swap alone; null where it stays as it is. 0 is not set, and -1 no limit. */
function swapOf({ limit = 0, swap = 0 }: MemoryResources, now: Present): number | null {
  if (swap === -1) return Infinity;
  // Without a limit of memory there is none of both together, unless it is given.
  if (limit === -1) return swap === 0 ? Infinity : swap;
  if (swap > 0) return difference(swap, limit === 0 ? numberIn(now('memory.max')) : limit);
  if (limit === 0) return null;
  const both = numberIn(now('memory.max')) + numberIn(now(FILE));
  return both === Infinity ? null : difference(both, limit);
}

function difference(both: number, memory: number): number {
  if (both >= memory) return both - memory;
  const why =
    memory === Infinity
      ? 'memory has no limit; give memory.limit as well'
      : `of memory alone it is ${memory}; give memory.limit and memory.swap as they are to be`;
  throw new OciError(
    `memory.swap: ${both} bytes are the limit of memory and swap together: ${why}`,
  );
}

const numberIn = (text: string | null): number =>
  text === null || text === 'max' ? Infinity : Number(text);
