/**
 * What a cgroup has used, as one value for both versions. Null is what this machine's layout does
 * not count. Times are microseconds of processor time, memory is in bytes.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, cgroup-v1/cpuacct.rst
 */
import { readKeyed, readNumber } from './cgroup-file.ts';
import { type CgroupPlan, findController } from './plan.ts';
import { type Pressure, readPressure } from './pressure.ts';

export interface CgroupStatistics {
  cpu: CpuStatistics | null;
  memory: MemoryStatistics | null;
  pids: PidsStatistics | null;
  /** Time lost by waiting; version 2 alone counts it for a cgroup. */
  pressure: Pressure | null;
}

export interface CpuStatistics {
  usage: number;
  /** Of these periods, so many ended with the quota used up, and so long was waited then. */
  periods: number | null;
  throttled: number | null;
  throttledTime: number | null;
}

export interface MemoryStatistics {
  current: number;
  peak: number | null;
  max: number | null;
  /** How often the limit was met, and how many processes were killed for it. */
  maxEvents: number | null;
  oomKills: number | null;
}

export interface PidsStatistics {
  current: number;
  peak: number | null;
  max: number | null;
  /** How often a fork was refused. */
  maxEvents: number | null;
}

/** As it is now. Throws ObserveError for a file that cannot be read. */
export function readStatistics(plan: CgroupPlan): CgroupStatistics {
  return {
    cpu: readCpu(plan),
    memory: readMemory(plan),
    pids: readPids(plan),
    pressure: plan.v2 === null ? null : readPressure(plan.v2),
  };
}

/** Null too when the cgroup has been removed. */
export function readCpu(plan: CgroupPlan): CpuStatistics | null {
  const bandwidth = readBandwidth(plan);
  const { cpuacct } = plan.v1;
  if (cpuacct !== undefined) {
    const nanoseconds = readNumber(cpuacct, 'cpuacct.usage');
    return nanoseconds === null ? null : { usage: nanoseconds / 1000, ...bandwidth };
  }
  // Every cgroup of version 2 has it, with the controller or without.
  const usage = plan.v2 === null ? undefined : readKeyed(plan.v2, 'cpu.stat').usage_usec;
  return usage === undefined ? null : { usage, ...bandwidth };
}

function readBandwidth(plan: CgroupPlan): Omit<CpuStatistics, 'usage'> {
  const held = findController(plan, 'cpu');
  const stat = held ? readKeyed(held.directory, 'cpu.stat') : {};
  const nanoseconds = stat.throttled_time;
  const { nr_periods: periods = null, nr_throttled: throttled = null } = stat;
  const throttledTime = nanoseconds === undefined ? stat.throttled_usec : nanoseconds / 1000;
  return { periods, throttled, throttledTime: throttledTime ?? null };
}

function readMemory(plan: CgroupPlan): MemoryStatistics | null {
  const held = findController(plan, 'memory');
  if (!held) return null;
  const { version, directory } = held;
  const number = (file: string) => readNumber(directory, `memory.${file}`);
  const current = number(version === 1 ? 'usage_in_bytes' : 'current');
  if (current === null) return null;
  if (version === 1) {
    const oomKills = readKeyed(directory, 'memory.oom_control').oom_kill ?? null;
    const [peak, max] = [number('max_usage_in_bytes'), number('limit_in_bytes')];
    return { current, peak, max, maxEvents: number('failcnt'), oomKills };
  }
  const { max: maxEvents = null, oom_kill: oomKills = null } = readKeyed(
    directory,
    'memory.events',
  );
  return { current, peak: number('peak'), max: number('max'), maxEvents, oomKills };
}

function readPids(plan: CgroupPlan): PidsStatistics | null {
  const held = findController(plan, 'pids');
  if (!held) return null;
  const number = (file: string) => readNumber(held.directory, `pids.${file}`);
  const current = number('current');
  if (current === null) return null;
  const { max: maxEvents = null } = readKeyed(held.directory, 'pids.events');
  return { current, peak: number('peak'), max: number('max'), maxEvents };
}
