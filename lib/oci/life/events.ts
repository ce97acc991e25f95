/**
 * `events`: what a container uses, as other runtimes print it: one JSON object a line.
 */
import { readCgroupFile, readKeyed } from '../../cgroups/cgroup-file.ts';
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
      ? (readCgroupFile(held.directory, 'cpuacct.usage_percpu') ?? '').split(/\s+/).filter(Boolean)
      : [];
  const raw = memory ? rawMemory(plan) : {};
  const limit = (value: number | null | undefined) => (value == null ? {} : { limit: value });
  return {
    type: 'stats',
    id,
    data: {
      cpu: {
        usage: {
          total: Math.round((cpu?.usage ?? 0) * NANOSECONDS),
          ...sharesOf(held),
          ...(perCpu.length > 0 ? { percpu: perCpu.map(Number) } : {}),
        },
        throttling: {
          periods: cpu?.periods ?? 0,
          throttledPeriods: cpu?.throttled ?? 0,
          throttledTime: Math.round((cpu?.throttledTime ?? 0) * NANOSECONDS),
        },
      },
      memory: {
        cache: raw.cache ?? raw.file ?? 0,
        usage: {
          usage: memory?.current ?? 0,
          max: memory?.peak ?? 0,
          failcnt: memory?.maxEvents ?? 0,
          ...limit(memory?.max),
        },
        raw,
      },
      pids: { current: pids?.current ?? 0, ...limit(pids?.max) },
    },
  };
}

/** Of the time, what it spent itself and what the kernel did for it. */
function sharesOf(held: ReturnType<typeof findController>): { kernel?: number; user?: number } {
  if (!held) return {};
  if (held.version === 1) {
    const read = (file: string) => Number(readCgroupFile(held.directory, file) ?? 0);
    return { kernel: read('cpuacct.usage_sys'), user: read('cpuacct.usage_user') };
  }
  const stat = readKeyed(held.directory, 'cpu.stat');
  const { system_usec: system = 0, user_usec: user = 0 } = stat;
  return { kernel: system * NANOSECONDS, user: user * NANOSECONDS };
}

function rawMemory(plan: ReturnType<typeof planOf>): Readonly<Record<string, number>> {
  const held = findController(plan, 'memory');
  if (!held) return {};
  return readKeyed(held.directory, 'memory.stat');
}

/** How many processes have been killed for want of memory; null where nothing counts them. */
export function oomKillsOf(root: string, id: string): number | null {
  const { stored } = load(root, id);
  return readStatistics(planOf(stored.cgroup, id)).memory?.oomKills ?? null;
}
