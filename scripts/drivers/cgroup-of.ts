/**
 * What the kernel holds a process to, read from outside, in version 1 or 2.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryOfCgroup, readMembership, V2 } from '../../lib/observe/membership.ts';

/** Bytes, count, processors. */
export function limitsOf(pid: number) {
  const cpu = read(pid, 'cpu', 'cpu.max') ?? '';
  const [quota, period] = cpu
    ? cpu.split(' ')
    : [read(pid, 'cpu', 'cpu.cfs_quota_us'), read(pid, 'cpu', 'cpu.cfs_period_us')];
  return {
    memory: Number(
      read(pid, 'memory', 'memory.max') ?? read(pid, 'memory', 'memory.limit_in_bytes'),
    ),
    pids: Number(read(pid, 'pids', 'pids.max')),
    cpus: Number(quota) / Number(period),
  };
}

export function isFrozen(pid: number): boolean {
  const v1 = read(pid, 'freezer', 'freezer.state');
  return v1 === null ? /^frozen 1$/m.test(read(pid, V2, 'cgroup.events') ?? '') : v1 === 'FROZEN';
}

/** Its cgroup in the hierarchy that holds `controller`. */
export function directoryOf(pid: number, controller: string): string | null {
  const membership = readMembership(pid);
  const key = controller in membership ? controller : V2;
  return directoryOfCgroup(key, membership[key] ?? '/');
}

function read(pid: number, controller: string, file: string): string | null {
  const path = join(directoryOf(pid, controller) ?? '/nowhere', file);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}
