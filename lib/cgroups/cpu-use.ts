/**
 * Processor time over a window, as a number of processors: 1.5 is one and a half, 0.02 is two
 * percent of one. From the kernel's own account (`cpuacct.usage`, or `usage_usec` in `cpu.stat`),
 * which goes on counting for what has ended.
 */
import { setTimeout } from 'node:timers/promises';
import { CgroupError } from './cgroup-error.ts';
import { readCgroupFile } from './cgroup-file.ts';
import { type CgroupPlan, findController } from './plan.ts';
import { readCpu } from './statistics.ts';

export interface CpuSample {
  /** Microseconds of processor time so far. */
  usage: number;
  /** Microseconds of a clock that only goes forward. */
  at: number;
}

/** Throws CgroupError where nothing counts, or the cgroup is gone. */
export function sampleCpu(plan: CgroupPlan): CpuSample {
  const cpu = readCpu(plan);
  const at = performance.now() * 1000;
  if (cpu !== null) return { usage: cpu.usage, at };
  throw new CgroupError([
    {
      controller: 'cpuacct',
      why: `nothing counts the processor time of ${plan.id}, or it has gone`,
    },
  ]);
}

export const cpusBetween = (first: CpuSample, last: CpuSample): number =>
  (last.usage - first.usage) / (last.at - first.at);

/**
 * Over the next so many milliseconds. Where a quota is in force the window begins and ends with a
 * period of it, because what is used within one comes at its beginning.
 */
export async function measureCpus(plan: CgroupPlan, milliseconds: number): Promise<number> {
  await untilPeriodEnds(plan);
  const first = sampleCpu(plan);
  await setTimeout(milliseconds);
  await untilPeriodEnds(plan);
  return cpusBetween(first, sampleCpu(plan));
}

/** The longest period is a second. */
const LONGEST_MS = 1100;

/** Resolves at once where no period is counted. */
async function untilPeriodEnds(plan: CgroupPlan): Promise<void> {
  const held = findController(plan, 'cpu');
  const quota = held && readCgroupFile(held.directory, QUOTA[held.version]);
  if (!quota || /^(-1|max)/.test(quota)) return;
  const before = readCpu(plan)?.periods;
  const deadline = performance.now() + LONGEST_MS;
  while (readCpu(plan)?.periods === before && performance.now() < deadline) await setTimeout(1);
}

const QUOTA = { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' } as const;

/** One value after each interval, for a plot, until `signal` is aborted or the cgroup is gone. */
export async function* watchCpus(
  plan: CgroupPlan,
  milliseconds: number,
  signal?: AbortSignal,
): AsyncGenerator<number, void> {
  let last = sampleCpu(plan);
  while (!signal?.aborted) {
    await setTimeout(milliseconds, undefined, { signal }).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
    });
    if (signal?.aborted || readCpu(plan) === null) return;
    const now = sampleCpu(plan);
    yield cpusBetween(last, now);
    last = now;
  }
}
