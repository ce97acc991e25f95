/**
 * Limits for a container, the same value for both versions of cgroups. What a machine's layout
 * cannot hold of it is an error (limit-writes.ts), never silently less.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, sched-bwc.rst
 */
import type { DeviceRule } from './device-rules.ts';

export interface Limits {
  cpu?: CpuLimits;
  cpuset?: CpusetLimits;
  memory?: MemoryLimits;
  pids?: { max: number };
  io?: IoLimits;
  /** In their order, see device-rules.ts. */
  devices?: readonly DeviceRule[];
  /** Bytes by page size, `{ '2MB': 4194304 }`, as the kernel names the sizes. */
  hugetlb?: Readonly<Record<string, number>>;
}

export interface CpuLimits {
  /** Microseconds of processor time in each period, for all processes together; 1000 at least. */
  quota?: number;
  /** Microseconds, 1000 to 1000000; the kernel's default is 100000. */
  period?: number;
  /** Share where processors are short, 1 to 10000; 100 is what everybody has. */
  weight?: number;
}

export interface CpusetLimits {
  /** `0-1,3` */
  cpus?: string;
  /** Memory nodes, likewise. */
  mems?: string;
}

export interface MemoryLimits {
  /** Bytes; past it, and with nothing left to reclaim, processes are killed. */
  max?: number;
  /** Bytes; past it processes are slowed down until memory is reclaimed. Version 2. */
  high?: number;
  /** Bytes of swap space besides the memory; 0 for none. */
  swap?: number;
  /** Whoever is killed for want of memory, all go together. Version 2. */
  oomGroup?: boolean;
}

export interface IoLimits {
  /** 1 to 10000; 100 is what everybody has. */
  weight?: number;
  max?: readonly IoMax[];
}

/** At most so many bytes and operations a second. */
export interface IoMax {
  /** `8:0`: major and minor number of a whole disk. */
  device: string;
  rbps?: number;
  wbps?: number;
  riops?: number;
  wiops?: number;
}

export const DEFAULT_PERIOD = 100_000;

/** `cpusLimit(1.5)`: the quota in each period of 100 ms that is worth so many processors. */
export const cpusLimit = (cpus: number): Required<Pick<CpuLimits, 'quota' | 'period'>> => ({
  quota: Math.round(cpus * DEFAULT_PERIOD),
  period: DEFAULT_PERIOD,
});

/**
 * `cpu.shares` of version 1 for a weight, as the kernel itself converts: both set one value of the
 * scheduler, 1024 shares are a weight of 100. kernel/sched/core.c `cpu_weight_write_u64`
 */
export const sharesOfWeight = (weight: number): number =>
  Math.max(2, Math.round((weight * 1024) / 100));

/**
 * The other way: 512 shares are a weight of 50. OCI runtimes map range to range instead
 * (2…262144 to 1…10000), by which 1024 shares become a weight of 39.
 */
export const weightOfShares = (shares: number): number =>
  Math.min(10_000, Math.max(1, Math.round((shares * 100) / 1024)));
