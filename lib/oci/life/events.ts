/**
 * `events`: what a container uses, as other runtimes print it: one JSON object a line.
 */
import { readCgroupFile } from '../../cgroups/cgroup-file.ts';
import { findController } from '../../cgroups/plan.ts';
import { readStatistics } from '../../cgroups/statistics.ts';
import { planOf } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { load, statusOf } from './store.ts';

const NANOSECONDS = 1000;

/** Times in nanoseconds, memory in bytes; what this machine does not count is left out. */
export function statisticsOf(root: string, id: string) {
  const { stored } = load(root, id);
  if (statusOf(stored) === 'stopped') throw new OciError('container not running');
  const plan = planOf(stored.cgroup, id);
  const { cpu, memory, pids } = readStatistics(plan);
  const held = findController(plan, 'cpuacct', 'cpu');
  const perCpu =
    held?.version === 1
      ? (readCgroupFile(held.directory, 'cpuacct.usage_percpu') ?? '').split(' ').filter(Boolean)
      : [];
  const limit = (value: number | null | undefined) => (value == null ? {} : { limit: value });
  return {
    type: 'stats',
    id,
    data: {
      cpu: {
        usage: {
          total: Math.round((cpu?.usage ?? 0) * NANOSECONDS),
          ...(perCpu.length > 0 ? { percpu: perCpu.map(Number).filter(Number.isFinite) } : {}),
        },
        throttling: {
          periods: cpu?.periods ?? 0,
          throttledPeriods: cpu?.throttled ?? 0,
          throttledTime: Math.round((cpu?.throttledTime ?? 0) * NANOSECONDS),
        },
      },
      memory: {
        usage: {
          usage: memory?.current ?? 0,
          max: memory?.peak ?? 0,
          failcnt: memory?.maxEvents ?? 0,
          ...limit(memory?.max),
        },
        raw: memory ? rawMemory(plan) : {},
      },
      pids: { current: pids?.current ?? 0, ...limit(pids?.max) },
    },
  };
}

function rawMemory(plan: ReturnType<typeof planOf>): Record<string, number> {
  const held = findController(plan, 'memory');
  if (!held) return {};
  const text = readCgroupFile(held.directory, 'memory.stat') ?? '';
  const pairs = text.split('\n').filter(Boolean);
  return Object.fromEntries(
    pairs.map((line): [string, number] => {
      const [key = '', value] = line.split(' ');
      return [key, Number(value)];
    }),
  );
}

/** How many processes have been killed for want of memory; null where nothing counts them. */
export function oomKillsOf(root: string, id: string): number | null {
  const { stored } = load(root, id);
  return readStatistics(planOf(stored.cgroup, id)).memory?.oomKills ?? null;
}
