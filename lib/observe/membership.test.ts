import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { detectCgroups } from './cgroups.ts';
import { itNeeds } from './it-needs.ts';
import { directoryOfCgroup, readMembership } from './membership.ts';
import { parseMountinfo } from './mountinfo.ts';

itNeeds(['linux'], 'the directory of each of our cgroups lists this process', () => {
  const { controllers, v2 } = detectCgroups();
  const membership = readMembership('self');
  const mounted = Object.keys(controllers).filter((name) => controllers[name]?.v1);
  for (const key of [...mounted, ...(v2 ? ['v2'] : [])]) {
    const directory = directoryOfCgroup(key, membership[key] ?? '');
    const procs = readFileSync(join(directory ?? '/nowhere', 'cgroup.procs'), 'utf8');
    expect(procs.split('\n'), key).toContain(String(process.pid));
  }
});

it('a mount that shows a part of the hierarchy shows the cgroups in that part', () => {
  const mounts = parseMountinfo(
    [
      '2 1 0:30 /docker/a /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct',
      '3 1 0:31 / /cg/all rw - cgroup2 cgroup2 rw',
    ].join('\n'),
  );
  expect(directoryOfCgroup('cpu', '/docker/a/b', mounts)).toBe('/cg/cpu/b');
  expect(directoryOfCgroup('cpuacct', '/docker/a', mounts)).toBe('/cg/cpu');
  expect(directoryOfCgroup('cpu', '/docker/ab', mounts)).toBeNull();
  expect(directoryOfCgroup('memory', '/', mounts)).toBeNull();
  expect(directoryOfCgroup('v2', '/x', mounts)).toBe('/cg/all/x');
});
